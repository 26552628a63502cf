-- SPDX-License-Identifier: MIT
-- roll_up_lock: name of the lock that lets one roll-up run at a time.  Locks
-- belong to the server, so the schema's name is part of it.
CREATE OR REPLACE FUNCTION roll_up_lock() RETURNS VARCHAR(192)
NO SQL
RETURN CONCAT(DATABASE(), '.roll_up')
