-- SPDX-License-Identifier: MIT
-- judge_rows: the outlier rule (parts/outlier_rule.sql) holds for rows, one by one.
-- p_new: none of them can have an outlier that is to be withdrawn.
-- A loop, for INSERT ... SELECT would lock what it reads, and the counters of the
-- tables until the end of the statement whose trigger asks.
-- A rule that fails must not lose the row: it is in trigger_failure then, but
-- dead-locks are the writer's to hear of.
CREATE OR REPLACE PROCEDURE judge_rows(p_rows LONGTEXT, p_new BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_errno INT;
	DECLARE v_text TEXT;
	-- As the cursor has them.  Not ROW TYPE OF it, nor FOR: they would open
	-- it once more, only to look.
	DECLARE r ROW (
		camera_id INT UNSIGNED, start_at DATETIME, end_at DATETIME,
		people MEDIUMINT UNSIGNED, vehicle MEDIUMINT UNSIGNED,
		face MEDIUMINT UNSIGNED, people_new MEDIUMINT UNSIGNED,
		vehicle_new MEDIUMINT UNSIGNED, face_new MEDIUMINT UNSIGNED,
		car MEDIUMINT UNSIGNED, bus MEDIUMINT UNSIGNED,
		truck MEDIUMINT UNSIGNED, motorcycle MEDIUMINT UNSIGNED,
		bicycle MEDIUMINT UNSIGNED, scooter MEDIUMINT UNSIGNED,
		observed_s MEDIUMINT UNSIGNED, exceeded VARCHAR(40),
		below VARCHAR(40), high_z DOUBLE, low_z DOUBLE, k DOUBLE,
		people_reference DOUBLE, people_basis VARCHAR(12),
		people_n INT UNSIGNED, people_mean DOUBLE, people_std DOUBLE,
		people_z DOUBLE,
		vehicle_reference DOUBLE, vehicle_basis VARCHAR(12),
		vehicle_n INT UNSIGNED, vehicle_mean DOUBLE, vehicle_std DOUBLE,
		vehicle_z DOUBLE,
		face_reference DOUBLE, face_basis VARCHAR(12),
		face_n INT UNSIGNED, face_mean DOUBLE, face_std DOUBLE,
		face_z DOUBLE);
	DECLARE judged CURSOR FOR
{outlier_rule}
		HAVING NOT p_new OR exceeded <> '' OR below <> '';
	DECLARE CONTINUE HANDLER FOR NOT FOUND
	BEGIN
	END;
	DECLARE EXIT HANDLER FOR 1205, 1206, 1213, 1467 RESIGNAL;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		GET DIAGNOSTICS CONDITION 1
			v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
		CALL note_failures(p_rows, v_errno, v_text);
	END;

	OPEN judged;
	FETCH judged INTO r;
	WHILE r.camera_id IS NOT NULL DO
		BEGIN
			DECLARE EXIT HANDLER FOR 1205, 1206, 1213, 1467 RESIGNAL;
			DECLARE EXIT HANDLER FOR SQLEXCEPTION
			BEGIN
				GET DIAGNOSTICS CONDITION 1
					v_errno = MYSQL_ERRNO,
					v_text = MESSAGE_TEXT;
				CALL note_failure(r.camera_id, r.start_at,
						  v_errno, v_text);
			END;

			IF r.exceeded <> '' THEN
				INSERT INTO outlier_backup (exceeded, z,
{outlier_columns}
				)
				VALUES (r.exceeded, r.high_z,
{outlier_values}
				)
				ON DUPLICATE KEY UPDATE exceeded = VALUES(exceeded),
{outlier_again}
				;
			ELSEIF NOT p_new THEN
				UPDATE outlier_backup SET state = 'withdrawn'
				WHERE camera_id = r.camera_id
				  AND start_at = r.start_at
				  AND state <> 'withdrawn';
			END IF;
			IF r.below <> '' THEN
				INSERT INTO outlier_low (below, z,
{outlier_columns}
				)
				VALUES (r.below, r.low_z,
{outlier_values}
				)
				ON DUPLICATE KEY UPDATE below = VALUES(below),
{outlier_again}
				;
			ELSEIF NOT p_new THEN
				UPDATE outlier_low SET state = 'withdrawn'
				WHERE camera_id = r.camera_id
				  AND start_at = r.start_at
				  AND state <> 'withdrawn';
			END IF;
		END;
		SET r.camera_id = NULL;
		FETCH judged INTO r;
	END WHILE;
	CLOSE judged;
END
