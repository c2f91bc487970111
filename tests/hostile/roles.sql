-- Whom the shop is made of; none is a superuser, and none is a member of another.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE ROLE hostile_owner LOGIN;    -- of the program's tables
CREATE ROLE hostile_people LOGIN;   -- of the users table
CREATE ROLE hostile_seller LOGIN;   -- of the tables of purchases, codes and sign-ups
CREATE ROLE hostile_app LOGIN;
CREATE ROLE hostile_support LOGIN;
CREATE ROLE hostile_reports LOGIN;
CREATE ROLE hostile_stranger LOGIN;
