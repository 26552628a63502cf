-- SPDX-License-Identifier: MIT
-- worker: what tally-worker may do; {worker} is its account.  It reads all,
-- because it makes the backups.
GRANT SELECT ON * TO {worker};
GRANT INSERT ON time_zone TO {worker};
GRANT INSERT, UPDATE ON calendar_day TO {worker};
GRANT INSERT, UPDATE ON calendar_offset TO {worker};
GRANT EXECUTE ON PROCEDURE run_minute TO {worker};
GRANT EXECUTE ON PROCEDURE want_backup TO {worker};
GRANT EXECUTE ON PROCEDURE note_backup TO {worker};
