-- SPDX-License-Identifier: MIT
-- stream_number: what waits in stream_inbox gets its numbers and goes to
-- stream_log; a few seconds apart, so does what became of cameras.  Every
-- process that serves /stream calls it before it reads on, and the minute's run,
-- so that the inbox stays small where nobody does.
--
-- No row is missed and none comes twice: numbers are given after the commit, by
-- one caller at a time.  A row of the inbox whose transaction is still under way
-- is locked, so SKIP LOCKED leaves it for the next call; who reads the log sees
-- all that one call numbered, or nothing of it, and never again a number below.
-- (The inbox's own numbers are given before the commit: one that is read by
-- "greater than the last" would miss what commits late.)
-- READ COMMITTED keeps the gaps free for writers.
CREATE OR REPLACE PROCEDURE stream_number()
MODIFIES SQL DATA
BEGIN
	DECLARE v_last, v_seq, v_lost BIGINT UNSIGNED;
	DECLARE v_looked_at DATETIME(3);
	DECLARE v_n INT UNSIGNED DEFAULT 1;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		ROLLBACK;
		RESIGNAL;
	END;

	number: WHILE v_n > 0 DO
		SET v_last = NULL;
		SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
		START TRANSACTION;
		SELECT last_seq, lost_seq, looked_at
		INTO v_last, v_lost, v_looked_at
		FROM stream_state WHERE only_row = 1 FOR UPDATE SKIP LOCKED;
		IF v_last IS NULL THEN
			-- Another one is at it.
			COMMIT;
			LEAVE number;
		END IF;
		INSERT INTO stream_log (seq, stream_inbox_id, row_n, runs,
					logged_at)
		SELECT v_last + 3 * SUM(row_n) OVER (ORDER BY stream_inbox_id),
		       stream_inbox_id, row_n, runs, UTC_TIMESTAMP()
		FROM (SELECT stream_inbox_id, row_n, runs
		      FROM stream_inbox FORCE INDEX (PRIMARY)
		      ORDER BY stream_inbox_id LIMIT 500
		      FOR UPDATE SKIP LOCKED) i;
		SET v_n = ROW_COUNT() DIV 500;
		SET v_seq = COALESCE((SELECT MAX(seq) FROM stream_log), v_last);
		SET v_seq = GREATEST(v_last, v_seq);
		DELETE i FROM stream_log l
		STRAIGHT_JOIN stream_inbox i FORCE INDEX (PRIMARY)
			ON i.stream_inbox_id = l.stream_inbox_id
		WHERE l.seq > v_last;
		IF v_n = 0 AND v_looked_at
			NOT BETWEEN UTC_TIMESTAMP(3) - INTERVAL 5 SECOND
			    AND UTC_TIMESTAMP(3)
		THEN
			CALL stream_look(v_looked_at < '2001-01-01', v_seq);
			SET v_looked_at = UTC_TIMESTAMP(3);
		END IF;
		-- A thousand or so a call at most: they came that way.
		SET v_lost = GREATEST(v_lost, COALESCE((
			SELECT MAX(seq) FROM (
				SELECT seq, row_n, logged_at FROM stream_log
				ORDER BY seq LIMIT 1000) oldest
			WHERE seq + 600000 < v_seq
			   OR logged_at < UTC_TIMESTAMP() - INTERVAL 1 HOUR),
			0));
		DELETE FROM stream_log WHERE seq <= v_lost;
		UPDATE stream_state
		SET last_seq = v_seq, lost_seq = v_lost, looked_at = v_looked_at
		WHERE only_row = 1;
		COMMIT;
	END WHILE;
END
