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
	DECLARE v_there BOOLEAN;
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
			-- ON DUPLICATE KEY UPDATE takes a third longer, each time.
			DECLARE CONTINUE HANDLER FOR 1062 SET v_there = TRUE;
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
				SET v_there = FALSE;
				INSERT INTO outlier_backup (
					camera_id, start_at, end_at, people,
					vehicle, face, people_new, vehicle_new,
					face_new, car, bus, truck, motorcycle,
					bicycle, scooter, observed_s, exceeded,
					k, z, people_reference, people_basis,
					people_n, people_mean, people_std,
					people_z, vehicle_reference,
					vehicle_basis, vehicle_n, vehicle_mean,
					vehicle_std, vehicle_z, face_reference,
					face_basis, face_n, face_mean,
					face_std, face_z)
				VALUES (
					r.camera_id, r.start_at, r.end_at,
					r.people, r.vehicle, r.face,
					r.people_new, r.vehicle_new,
					r.face_new, r.car, r.bus, r.truck,
					r.motorcycle, r.bicycle, r.scooter,
					r.observed_s, r.exceeded, r.k, r.high_z,
					r.people_reference, r.people_basis,
					r.people_n, r.people_mean,
					r.people_std, r.people_z,
					r.vehicle_reference, r.vehicle_basis,
					r.vehicle_n, r.vehicle_mean,
					r.vehicle_std, r.vehicle_z,
					r.face_reference, r.face_basis,
					r.face_n, r.face_mean, r.face_std,
					r.face_z);
				IF v_there THEN
					UPDATE outlier_backup SET
						end_at = r.end_at,
						people = r.people,
						vehicle = r.vehicle,
						face = r.face,
						people_new = r.people_new,
						vehicle_new = r.vehicle_new,
						face_new = r.face_new,
						car = r.car, bus = r.bus,
						truck = r.truck,
						motorcycle = r.motorcycle,
						bicycle = r.bicycle,
						scooter = r.scooter,
						observed_s = r.observed_s,
						exceeded = r.exceeded, k = r.k,
						z = r.high_z,
						people_reference = r.people_reference,
						people_basis = r.people_basis,
						people_n = r.people_n,
						people_mean = r.people_mean,
						people_std = r.people_std,
						people_z = r.people_z,
						vehicle_reference = r.vehicle_reference,
						vehicle_basis = r.vehicle_basis,
						vehicle_n = r.vehicle_n,
						vehicle_mean = r.vehicle_mean,
						vehicle_std = r.vehicle_std,
						vehicle_z = r.vehicle_z,
						face_reference = r.face_reference,
						face_basis = r.face_basis,
						face_n = r.face_n,
						face_mean = r.face_mean,
						face_std = r.face_std,
						face_z = r.face_z,
						note = IF(state = 'withdrawn', NULL, note),
						reviewed_by = IF(state = 'withdrawn', NULL, reviewed_by),
						reviewed_at = IF(state = 'withdrawn', NULL, reviewed_at),
						state = IF(state = 'withdrawn', 'open', state)
					WHERE camera_id = r.camera_id
					  AND start_at = r.start_at;
				END IF;
			ELSEIF NOT p_new THEN
				UPDATE outlier_backup SET state = 'withdrawn'
				WHERE camera_id = r.camera_id AND start_at = r.start_at
				  AND state <> 'withdrawn';
			END IF;
			IF r.below <> '' THEN
				SET v_there = FALSE;
				INSERT INTO outlier_low (
					camera_id, start_at, end_at, people,
					vehicle, face, people_new, vehicle_new,
					face_new, car, bus, truck, motorcycle,
					bicycle, scooter, observed_s, below, k,
					z, people_reference, people_basis,
					people_n, people_mean, people_std,
					people_z, vehicle_reference,
					vehicle_basis, vehicle_n, vehicle_mean,
					vehicle_std, vehicle_z, face_reference,
					face_basis, face_n, face_mean,
					face_std, face_z)
				VALUES (
					r.camera_id, r.start_at, r.end_at,
					r.people, r.vehicle, r.face,
					r.people_new, r.vehicle_new,
					r.face_new, r.car, r.bus, r.truck,
					r.motorcycle, r.bicycle, r.scooter,
					r.observed_s, r.below, r.k, r.low_z,
					r.people_reference, r.people_basis,
					r.people_n, r.people_mean,
					r.people_std, r.people_z,
					r.vehicle_reference, r.vehicle_basis,
					r.vehicle_n, r.vehicle_mean,
					r.vehicle_std, r.vehicle_z,
					r.face_reference, r.face_basis,
					r.face_n, r.face_mean, r.face_std,
					r.face_z);
				IF v_there THEN
					UPDATE outlier_low SET
						end_at = r.end_at,
						people = r.people,
						vehicle = r.vehicle,
						face = r.face,
						people_new = r.people_new,
						vehicle_new = r.vehicle_new,
						face_new = r.face_new,
						car = r.car, bus = r.bus,
						truck = r.truck,
						motorcycle = r.motorcycle,
						bicycle = r.bicycle,
						scooter = r.scooter,
						observed_s = r.observed_s,
						below = r.below, k = r.k,
						z = r.low_z,
						people_reference = r.people_reference,
						people_basis = r.people_basis,
						people_n = r.people_n,
						people_mean = r.people_mean,
						people_std = r.people_std,
						people_z = r.people_z,
						vehicle_reference = r.vehicle_reference,
						vehicle_basis = r.vehicle_basis,
						vehicle_n = r.vehicle_n,
						vehicle_mean = r.vehicle_mean,
						vehicle_std = r.vehicle_std,
						vehicle_z = r.vehicle_z,
						face_reference = r.face_reference,
						face_basis = r.face_basis,
						face_n = r.face_n,
						face_mean = r.face_mean,
						face_std = r.face_std,
						face_z = r.face_z,
						note = IF(state = 'withdrawn', NULL, note),
						reviewed_by = IF(state = 'withdrawn', NULL, reviewed_by),
						reviewed_at = IF(state = 'withdrawn', NULL, reviewed_at),
						state = IF(state = 'withdrawn', 'open', state)
					WHERE camera_id = r.camera_id
					  AND start_at = r.start_at;
				END IF;
			ELSEIF NOT p_new THEN
				UPDATE outlier_low SET state = 'withdrawn'
				WHERE camera_id = r.camera_id AND start_at = r.start_at
				  AND state <> 'withdrawn';
			END IF;
		END;
		SET r.camera_id = NULL;
		FETCH judged INTO r;
	END WHILE;
	CLOSE judged;
END
