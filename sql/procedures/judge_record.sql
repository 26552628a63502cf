-- SPDX-License-Identifier: MIT
-- judge_record: the outlier rule (outlier_rule) for one stored row.  With a metric
-- above its reference it goes to outlier_backup, with one at or below `low` to
-- outlier_low; a corrected row that is not so any more is withdrawn.  Called by
-- the triggers of count_record for rows that may be concerned; p_new says that
-- the row was not there before.
--
-- A camera that does not exist, a day no calendar covers, or one before raw rows
-- are kept, refuses the row.
-- Whatever else fails must not lose it: that goes to trigger_failure.  But dead-
-- locks (1467 is one over a table's counter), lock time-outs and a want of room for
-- locks are passed on: the server has undone the writer's statement or transaction
-- with them, and the writer must hear of it.
--
-- What a trigger reads is locked with a share lock until its writer commits
-- (InnoDB does so for all that a writing statement reads): nothing is looked up
-- that is not needed, and a new row looks for nothing to withdraw.
CREATE OR REPLACE PROCEDURE judge_record(
	p_camera_id INT UNSIGNED, p_start_at DATETIME, p_new BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_errno INT;
	DECLARE v_text TEXT;

	CALL refuse_unkept(p_start_at);
	IF NOT EXISTS (
		SELECT 1 FROM camera c JOIN calendar_offset o
			ON o.time_zone_id = c.time_zone_id
		WHERE c.camera_id = p_camera_id
		  AND o.day_utc = CAST(p_start_at AS DATE))
	THEN
		SET v_text = IF(
			EXISTS (SELECT 1 FROM camera
				WHERE camera_id = p_camera_id),
			CONCAT('start_at ', p_start_at,
			       ' is outside the calendar of camera ',
			       p_camera_id),
			CONCAT('there is no camera ', p_camera_id));
		SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = v_text;
	END IF;
	BEGIN
		-- As outlier_rule has it.  Not ROW TYPE OF: of a view the server
		-- then keeps for the trigger's lifetime what it opened for each
		-- row, and looks through all of it for each next one.
		DECLARE r ROW (
			camera_id INT UNSIGNED, start_at DATETIME,
			end_at DATETIME, people MEDIUMINT UNSIGNED,
			vehicle MEDIUMINT UNSIGNED, face MEDIUMINT UNSIGNED,
			people_new MEDIUMINT UNSIGNED,
			vehicle_new MEDIUMINT UNSIGNED,
			face_new MEDIUMINT UNSIGNED, car MEDIUMINT UNSIGNED,
			bus MEDIUMINT UNSIGNED, truck MEDIUMINT UNSIGNED,
			motorcycle MEDIUMINT UNSIGNED,
			bicycle MEDIUMINT UNSIGNED,
			scooter MEDIUMINT UNSIGNED,
			observed_s MEDIUMINT UNSIGNED, exceeded VARCHAR(40),
			below VARCHAR(40), high_z DOUBLE, low_z DOUBLE,
			k DOUBLE,
			people_reference DOUBLE, people_basis VARCHAR(12),
			people_n INT UNSIGNED, people_mean DOUBLE, people_std DOUBLE,
			people_z DOUBLE,
			vehicle_reference DOUBLE, vehicle_basis VARCHAR(12),
			vehicle_n INT UNSIGNED, vehicle_mean DOUBLE, vehicle_std DOUBLE,
			vehicle_z DOUBLE,
			face_reference DOUBLE, face_basis VARCHAR(12),
			face_n INT UNSIGNED, face_mean DOUBLE, face_std DOUBLE,
			face_z DOUBLE);
		DECLARE EXIT HANDLER FOR 1205, 1206, 1213, 1467 RESIGNAL;
		DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN
			GET DIAGNOSTICS CONDITION 1
				v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
			CALL note_failure(p_camera_id, p_start_at, v_errno,
					  v_text);
		END;

		SELECT * INTO r FROM outlier_rule
		WHERE camera_id = p_camera_id AND start_at = p_start_at;
		IF r.exceeded <> '' THEN
			INSERT INTO outlier_backup (
				camera_id, start_at, end_at, people, vehicle,
				face, people_new, vehicle_new, face_new, car,
				bus, truck, motorcycle, bicycle, scooter,
				observed_s, exceeded, k, z, people_reference,
				people_basis, people_n, people_mean,
				people_std, people_z, vehicle_reference,
				vehicle_basis, vehicle_n, vehicle_mean,
				vehicle_std, vehicle_z, face_reference,
				face_basis, face_n, face_mean, face_std, face_z)
			VALUES (
				r.camera_id, r.start_at, r.end_at, r.people,
				r.vehicle, r.face, r.people_new, r.vehicle_new,
				r.face_new, r.car, r.bus, r.truck,
				r.motorcycle, r.bicycle, r.scooter,
				r.observed_s, r.exceeded, r.k, r.high_z,
				r.people_reference, r.people_basis, r.people_n,
				r.people_mean, r.people_std, r.people_z,
				r.vehicle_reference, r.vehicle_basis,
				r.vehicle_n, r.vehicle_mean, r.vehicle_std,
				r.vehicle_z, r.face_reference, r.face_basis,
				r.face_n, r.face_mean, r.face_std, r.face_z)
			ON DUPLICATE KEY UPDATE
				end_at = VALUES(end_at),
				people = VALUES(people),
				vehicle = VALUES(vehicle),
				face = VALUES(face),
				people_new = VALUES(people_new),
				vehicle_new = VALUES(vehicle_new),
				face_new = VALUES(face_new),
				car = VALUES(car),
				bus = VALUES(bus),
				truck = VALUES(truck),
				motorcycle = VALUES(motorcycle),
				bicycle = VALUES(bicycle),
				scooter = VALUES(scooter),
				observed_s = VALUES(observed_s),
				exceeded = VALUES(exceeded),
				k = VALUES(k),
				z = VALUES(z),
				people_reference = VALUES(people_reference),
				people_basis = VALUES(people_basis),
				people_n = VALUES(people_n),
				people_mean = VALUES(people_mean),
				people_std = VALUES(people_std),
				people_z = VALUES(people_z),
				vehicle_reference = VALUES(vehicle_reference),
				vehicle_basis = VALUES(vehicle_basis),
				vehicle_n = VALUES(vehicle_n),
				vehicle_mean = VALUES(vehicle_mean),
				vehicle_std = VALUES(vehicle_std),
				vehicle_z = VALUES(vehicle_z),
				face_reference = VALUES(face_reference),
				face_basis = VALUES(face_basis),
				face_n = VALUES(face_n),
				face_mean = VALUES(face_mean),
				face_std = VALUES(face_std),
				face_z = VALUES(face_z),
				note = IF(state = 'withdrawn', NULL, note),
				reviewed_by = IF(state = 'withdrawn', NULL,
						 reviewed_by),
				reviewed_at = IF(state = 'withdrawn', NULL,
						 reviewed_at),
				state = IF(state = 'withdrawn', 'open', state);
		ELSEIF NOT p_new THEN
			UPDATE outlier_backup SET state = 'withdrawn'
			WHERE camera_id = p_camera_id
			  AND start_at = p_start_at AND state <> 'withdrawn';
		END IF;
		IF r.below <> '' THEN
			INSERT INTO outlier_low (
				camera_id, start_at, end_at, people, vehicle,
				face, people_new, vehicle_new, face_new, car,
				bus, truck, motorcycle, bicycle, scooter,
				observed_s, below, k, z, people_reference,
				people_basis, people_n, people_mean,
				people_std, people_z, vehicle_reference,
				vehicle_basis, vehicle_n, vehicle_mean,
				vehicle_std, vehicle_z, face_reference,
				face_basis, face_n, face_mean, face_std, face_z)
			VALUES (
				r.camera_id, r.start_at, r.end_at, r.people,
				r.vehicle, r.face, r.people_new, r.vehicle_new,
				r.face_new, r.car, r.bus, r.truck,
				r.motorcycle, r.bicycle, r.scooter,
				r.observed_s, r.below, r.k, r.low_z,
				r.people_reference, r.people_basis, r.people_n,
				r.people_mean, r.people_std, r.people_z,
				r.vehicle_reference, r.vehicle_basis,
				r.vehicle_n, r.vehicle_mean, r.vehicle_std,
				r.vehicle_z, r.face_reference, r.face_basis,
				r.face_n, r.face_mean, r.face_std, r.face_z)
			ON DUPLICATE KEY UPDATE
				end_at = VALUES(end_at),
				people = VALUES(people),
				vehicle = VALUES(vehicle),
				face = VALUES(face),
				people_new = VALUES(people_new),
				vehicle_new = VALUES(vehicle_new),
				face_new = VALUES(face_new),
				car = VALUES(car),
				bus = VALUES(bus),
				truck = VALUES(truck),
				motorcycle = VALUES(motorcycle),
				bicycle = VALUES(bicycle),
				scooter = VALUES(scooter),
				observed_s = VALUES(observed_s),
				below = VALUES(below),
				k = VALUES(k),
				z = VALUES(z),
				people_reference = VALUES(people_reference),
				people_basis = VALUES(people_basis),
				people_n = VALUES(people_n),
				people_mean = VALUES(people_mean),
				people_std = VALUES(people_std),
				people_z = VALUES(people_z),
				vehicle_reference = VALUES(vehicle_reference),
				vehicle_basis = VALUES(vehicle_basis),
				vehicle_n = VALUES(vehicle_n),
				vehicle_mean = VALUES(vehicle_mean),
				vehicle_std = VALUES(vehicle_std),
				vehicle_z = VALUES(vehicle_z),
				face_reference = VALUES(face_reference),
				face_basis = VALUES(face_basis),
				face_n = VALUES(face_n),
				face_mean = VALUES(face_mean),
				face_std = VALUES(face_std),
				face_z = VALUES(face_z),
				note = IF(state = 'withdrawn', NULL, note),
				reviewed_by = IF(state = 'withdrawn', NULL,
						 reviewed_by),
				reviewed_at = IF(state = 'withdrawn', NULL,
						 reviewed_at),
				state = IF(state = 'withdrawn', 'open', state);
		ELSEIF NOT p_new THEN
			UPDATE outlier_low SET state = 'withdrawn'
			WHERE camera_id = p_camera_id
			  AND start_at = p_start_at AND state <> 'withdrawn';
		END IF;
	END;
END
