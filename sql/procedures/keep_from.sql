-- SPDX-License-Identifier: MIT
-- keep_from: moves the bound of a level, forward only.  It waits for whoever
-- relies on the old one (refuse_unkept, refuse_zone) to commit.  That of
-- quarter hours does not move past any that is still to be counted: a camera
-- that changed its zone needs them all.
CREATE OR REPLACE PROCEDURE keep_from(p_level VARCHAR(20), p_from DATETIME)
MODIFIES SQL DATA
BEGIN
	DECLARE v_left BOOLEAN DEFAULT FALSE;
	DECLARE v_text VARCHAR(128);

	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	START TRANSACTION;
	SET STATEMENT innodb_lock_wait_timeout = 2 FOR
	UPDATE retention SET kept_from = p_from
	WHERE level = p_level AND kept_from < p_from;
	IF ROW_COUNT() > 0 AND p_level = 'quarter' THEN
		SELECT EXISTS (SELECT 1 FROM dirty_quarter
			       WHERE start_at < p_from + INTERVAL 1 DAY)
		       OR EXISTS (SELECT 1 FROM claimed_quarter
				  WHERE start_at < p_from + INTERVAL 1 DAY)
		INTO v_left;
	END IF;
	IF v_left THEN
		ROLLBACK;
		SET v_text = CONCAT('quarter hours before ', p_from,
				    ' are still to be counted');
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	COMMIT;
END
