-- SPDX-License-Identifier: MIT
-- roll_up_claim: takes up to p_count marks, the newest first, out of
-- dirty_quarter.  What an earlier run claimed and did not finish goes first.
--
-- No row is missed: its writer sets the mark in the transaction of the row.  A
-- mark that is new or was met again by a transaction under way is locked, so
-- SKIP LOCKED leaves it; a mark free to be claimed belongs to rows committed
-- before, which a snapshot taken after this COMMIT sees.  The COMMIT also lets
-- writers mark the same quarters again while they are being counted.
-- READ COMMITTED keeps the gaps between marks free for writers; the index is
-- forced because a scan of a small table would wait for marks it does not want.
CREATE OR REPLACE PROCEDURE roll_up_claim(p_count INT UNSIGNED,
					  OUT p_claimed INT UNSIGNED)
MODIFIES SQL DATA
BEGIN
	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	START TRANSACTION;
	IF NOT EXISTS (SELECT 1 FROM claimed_quarter) THEN
		INSERT INTO claimed_quarter (camera_id, start_at, marked_at)
		SELECT camera_id, start_at, marked_at
		FROM dirty_quarter FORCE INDEX (PRIMARY)
		ORDER BY start_at DESC, camera_id DESC LIMIT p_count
		FOR UPDATE SKIP LOCKED;
		DELETE d FROM claimed_quarter c
		STRAIGHT_JOIN dirty_quarter d FORCE INDEX (PRIMARY)
			ON d.start_at = c.start_at
			AND d.camera_id = c.camera_id;
	END IF;
	COMMIT;
	SELECT COUNT(*) INTO p_claimed FROM claimed_quarter;
END
