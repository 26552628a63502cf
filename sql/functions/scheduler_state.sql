-- SPDX-License-Identifier: MIT
-- scheduler_state: ON, OFF or DISABLED.  A function, because a view may not
-- read a variable.
CREATE OR REPLACE FUNCTION scheduler_state() RETURNS VARCHAR(10)
NO SQL
RETURN @@GLOBAL.event_scheduler
