-- SPDX-License-Identifier: MIT
-- let_go: deletes, camera by camera, the rows of a table whose key is before
-- p_from; at most until p_until, when p_done becomes FALSE.  Table and key are
-- the caller's own words, no one's input.  stats_version moves with the rows:
-- nobody is to remember what is not there any more.
CREATE OR REPLACE PROCEDURE let_go(
	p_table VARCHAR(64), p_key VARCHAR(64), p_from DATETIME,
	p_until DATETIME(3), INOUT p_rows INT UNSIGNED, INOUT p_done BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_some INT DEFAULT 5000;
	DECLARE v_sql VARCHAR(256) DEFAULT CONCAT('DELETE FROM ', p_table,
		' WHERE camera_id = ? AND ', p_key, ' < ? LIMIT ', v_some);
	DECLARE v_n INT;

	IF p_from > '1000-01-01' THEN
		FOR c IN (SELECT camera_id FROM camera) DO
			REPEAT
				SET p_done = p_done
					AND UTC_TIMESTAMP(3) < p_until,
				    v_n = 0;
				IF p_done THEN
					START TRANSACTION;
					EXECUTE IMMEDIATE v_sql
						USING c.camera_id, p_from;
					SET v_n = ROW_COUNT();
					IF v_n > 0 THEN
						UPDATE stats_version
						SET version = version + 1;
					END IF;
					COMMIT;
				END IF;
				SET p_rows = p_rows + v_n;
			UNTIL v_n < v_some END REPEAT;
		END FOR;
	END IF;
END
