-- SPDX-License-Identifier: MIT
-- event_state: ENABLED, DISABLED, SLAVESIDE_DISABLED, or missing.  Runs with
-- the owner's rights: the programs' accounts may not see events.
CREATE OR REPLACE FUNCTION event_state() RETURNS VARCHAR(20)
READS SQL DATA
RETURN COALESCE((SELECT status FROM information_schema.events
		 WHERE event_schema = DATABASE()
		   AND event_name = 'tally_minute'), 'missing')
