-- SPDX-License-Identifier: MIT
-- want_backup: the worker was told to make backups, or not to: from when on one
-- that is not there is late.
CREATE OR REPLACE PROCEDURE want_backup(p_wanted BOOLEAN)
MODIFIES SQL DATA
INSERT INTO backup_state (only_row, wanted_at)
VALUES (1, IF(p_wanted, UTC_TIMESTAMP(), NULL))
ON DUPLICATE KEY UPDATE
	wanted_at = IF(p_wanted, COALESCE(wanted_at, UTC_TIMESTAMP()), NULL)
