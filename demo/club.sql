\echo
\echo '-- A second program: a tenth of whatever a friend buys, at most 5.00, and 2.00 for the friend. It can be used after 14 days,'
\echo '-- when hardly anything is returned any more, and for 180 days; a referrer is rewarded for three purchases a month.'
SELECT referral.create_program('club');
SELECT referral.create_goal('a tenth', program => 'club', effective_from => '-infinity', rule => '{
    "when":    { "occurrence": "every" },
    "rewards": [ { "to": "referrer", "percent": "10", "max": "5.00", "unit": "USD", "hold": "14 days", "expires": "180 days" },
                 { "to": "friend", "fixed": "2.00", "unit": "USD", "hold": "14 days", "expires": "180 days" } ],
    "limits":  { "per_referrer": { "count": 3, "every": "month" } } }');
