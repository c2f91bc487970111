-- The foreign keys to the users, which install() adds where the users are in a table of this database, and adds again where a
-- site has lost them. A user may be deleted at any time; what refers to them stays.

ALTER TABLE referral.invites ADD CONSTRAINT invites_user_fkey
    FOREIGN KEY (user_id) REFERENCES @users@ (@users_key@) ON DELETE SET NULL;
ALTER TABLE referral.invites_friends ADD CONSTRAINT invites_friends_friend_fkey
    FOREIGN KEY (friend_id) REFERENCES @users@ (@users_key@) ON DELETE SET NULL;
ALTER TABLE referral.invites_friends ADD CONSTRAINT invites_friends_referrer_fkey
    FOREIGN KEY (referrer_id) REFERENCES @users@ (@users_key@) ON DELETE SET NULL;
