-- SPDX-License-Identifier: MIT
-- tally_minute: all scheduled work, at once when it is made and every minute
-- from then on.  The server never makes up a missed run, so each does whatever
-- is not done yet.
CREATE OR REPLACE EVENT tally_minute
ON SCHEDULE EVERY 1 MINUTE
ON COMPLETION PRESERVE ENABLE
DO CALL run_minute('event')
