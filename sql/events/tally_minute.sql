-- SPDX-License-Identifier: MIT
-- tally_minute: all scheduled work, every minute.  The server never makes up a
-- missed run, so each does whatever is not done yet.
CREATE OR REPLACE EVENT tally_minute
ON SCHEDULE EVERY 1 MINUTE STARTS '2000-01-01 00:00:00'
ON COMPLETION PRESERVE ENABLE
DO CALL run_minute('event')
