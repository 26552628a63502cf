-- SPDX-License-Identifier: MIT
-- judge_record: THE OUTLIER RULE.  A row with a metric above its camera's
-- reference for that hour of the week is in outlier_backup; one with a metric
-- at or below `low` (z <= -alert_z) is in outlier_low; a corrected row that is
-- not so any more is withdrawn.  Called by the triggers of count_record for
-- rows that may be concerned; p_new says that the row was not there before.
--
-- A camera that does not exist, a day no calendar covers, or one before raw rows
-- are kept, refuses the row.
-- Whatever else fails must not lose it: that goes to trigger_failure.  But dead-
-- locks and lock time-outs are passed on: the server has undone the writer's
-- statement or transaction with them, and the writer must hear of it.
--
-- What a trigger reads is locked with a share lock until its writer commits
-- (InnoDB does so for all that a writing statement reads): nothing is looked up
-- that is not needed, and a new row looks for nothing to withdraw.
CREATE OR REPLACE PROCEDURE judge_record(
	p_camera_id INT UNSIGNED, p_start_at DATETIME, p_end_at DATETIME,
	p_people MEDIUMINT UNSIGNED, p_vehicle MEDIUMINT UNSIGNED,
	p_face MEDIUMINT UNSIGNED, p_people_new MEDIUMINT UNSIGNED,
	p_vehicle_new MEDIUMINT UNSIGNED, p_face_new MEDIUMINT UNSIGNED,
	p_car MEDIUMINT UNSIGNED, p_bus MEDIUMINT UNSIGNED,
	p_truck MEDIUMINT UNSIGNED, p_motorcycle MEDIUMINT UNSIGNED,
	p_bicycle MEDIUMINT UNSIGNED, p_scooter MEDIUMINT UNSIGNED,
	p_observed_s MEDIUMINT UNSIGNED, p_new BOOLEAN)
MODIFIES SQL DATA
BEGIN
	DECLARE v_offset MEDIUMINT;
	DECLARE v_errno INT;
	DECLARE v_text TEXT;

	CALL refuse_unkept(p_start_at);
	SET v_offset = (
		SELECT IF(o.change_at IS NULL OR p_start_at < o.change_at,
			  o.offset_s, o.offset2_s)
		FROM camera c JOIN calendar_offset o
			ON o.time_zone_id = c.time_zone_id
		WHERE c.camera_id = p_camera_id
		  AND o.day_utc = CAST(p_start_at AS DATE));
	IF v_offset IS NULL THEN
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
		DECLARE r ROW TYPE OF reference_value;
		DECLARE pz, vz, fz, v_z DOUBLE;
		DECLARE v_above, v_below VARCHAR(40);
		DECLARE EXIT HANDLER FOR 1205, 1206, 1213 RESIGNAL;
		DECLARE EXIT HANDLER FOR SQLEXCEPTION
		BEGIN
			GET DIAGNOSTICS CONDITION 1
				v_errno = MYSQL_ERRNO, v_text = MESSAGE_TEXT;
			CALL note_failure(p_camera_id, p_start_at, v_errno,
					  v_text);
		END;

		SELECT * INTO r FROM reference_value
		WHERE camera_id = p_camera_id
		  AND slot = ((TO_SECONDS(p_start_at) + v_offset) DIV 3600
			      + 120) MOD 168;
		SET pz = (p_people - r.people_mean) / NULLIF(r.people_std, 0);
		SET vz = (p_vehicle - r.vehicle_mean)
			/ NULLIF(r.vehicle_std, 0);
		SET fz = (p_face - r.face_mean) / NULLIF(r.face_std, 0);
		SET v_above = CONCAT_WS(',',
			IF(p_people > r.people_reference, 'people', NULL),
			IF(p_vehicle > r.vehicle_reference, 'vehicle', NULL),
			IF(p_face > r.face_reference, 'face', NULL));
		SET v_below = CONCAT_WS(',',
			IF(p_people <= r.people_low, 'people', NULL),
			IF(p_vehicle <= r.vehicle_low, 'vehicle', NULL),
			IF(p_face <= r.face_low, 'face', NULL));

		IF v_above <> '' THEN
			SET v_z = NULLIF(GREATEST(
				COALESCE(IF(FIND_IN_SET('people', v_above), pz, NULL),
					 -1e300),
				COALESCE(IF(FIND_IN_SET('vehicle', v_above), vz, NULL),
					 -1e300),
				COALESCE(IF(FIND_IN_SET('face', v_above), fz, NULL),
					 -1e300)), -1e300);
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
				p_camera_id, p_start_at, p_end_at, p_people,
				p_vehicle, p_face, p_people_new, p_vehicle_new,
				p_face_new, p_car, p_bus, p_truck,
				p_motorcycle, p_bicycle, p_scooter,
				p_observed_s, v_above, r.k, v_z,
				r.people_reference, r.people_basis, r.people_n,
				r.people_mean, r.people_std, pz,
				r.vehicle_reference, r.vehicle_basis,
				r.vehicle_n, r.vehicle_mean, r.vehicle_std, vz,
				r.face_reference, r.face_basis, r.face_n,
				r.face_mean, r.face_std, fz)
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
		IF v_below <> '' THEN
			SET v_z = NULLIF(LEAST(
				COALESCE(IF(FIND_IN_SET('people', v_below), pz, NULL),
					 1e300),
				COALESCE(IF(FIND_IN_SET('vehicle', v_below), vz, NULL),
					 1e300),
				COALESCE(IF(FIND_IN_SET('face', v_below), fz, NULL),
					 1e300)), 1e300);
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
				p_camera_id, p_start_at, p_end_at, p_people,
				p_vehicle, p_face, p_people_new, p_vehicle_new,
				p_face_new, p_car, p_bus, p_truck,
				p_motorcycle, p_bicycle, p_scooter,
				p_observed_s, v_below, r.k, v_z,
				r.people_reference, r.people_basis, r.people_n,
				r.people_mean, r.people_std, pz,
				r.vehicle_reference, r.vehicle_basis,
				r.vehicle_n, r.vehicle_mean, r.vehicle_std, vz,
				r.face_reference, r.face_basis, r.face_n,
				r.face_mean, r.face_std, fz)
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
