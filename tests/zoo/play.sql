-- Plays the shape in the variable shape. The variable statement may hold a statement that is run behind the program's
-- back once the first purchase is credited.
SET client_min_messages = error;
SET TimeZone = 'UTC';
SELECT set_config('zoo.shape', :'shape', false) \g /dev/null
CALL zoo.play(nullif(:'statement', ''));
