-- Relations that nobody would attach, for the calls that try.
SET client_min_messages = warning;
CREATE TABLE public.odd ("Id ""x" int, "User" text, total float8, at time, PRIMARY KEY ("Id ""x", "User"));
CREATE TABLE public.parts (id bigint, user_id bigint, total money, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE public.parts_1 PARTITION OF public.parts DEFAULT;
CREATE VIEW public.seen AS SELECT * FROM public.orders;
