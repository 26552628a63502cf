-- SPDX-License-Identifier: MIT
-- THE OUTLIER RULE: rows of count_record that
-- are written in the same transaction, each beside its camera's reference for
-- that hour of the week.  p_rows is a JSON array of them, each an array of
-- camera_id, start_at, end_at, people, vehicle, face, people_new, vehicle_new,
-- face_new, car, bus, truck, motorcycle, bicycle, scooter, observed_s; null is
-- NULL.  `exceeded` names the metrics above their reference, `below` those at or
-- below `low` (z <= -alert_z); high_z is the greatest z of the former, low_z the
-- least of the latter.
-- The values come from the caller: to read them again each INSERT would have to
-- open count_record once more, with all of its partitions, for its trigger.
SELECT n.*,
       CONCAT_WS(',',
	IF(n.people > v.people_reference, 'people', NULL),
	IF(n.vehicle > v.vehicle_reference, 'vehicle', NULL),
	IF(n.face > v.face_reference, 'face', NULL)) AS exceeded,
       CONCAT_WS(',',
	IF(n.people <= v.people_low, 'people', NULL),
	IF(n.vehicle <= v.vehicle_low, 'vehicle', NULL),
	IF(n.face <= v.face_low, 'face', NULL)) AS below,
       NULLIF(GREATEST(
		COALESCE(IF(n.people > v.people_reference, (n.people - v.people_mean)
			/ NULLIF(v.people_std, 0), NULL), -1e300),
		COALESCE(IF(n.vehicle > v.vehicle_reference, (n.vehicle - v.vehicle_mean)
			/ NULLIF(v.vehicle_std, 0), NULL), -1e300),
		COALESCE(IF(n.face > v.face_reference, (n.face - v.face_mean)
			/ NULLIF(v.face_std, 0), NULL), -1e300)), -1e300) AS high_z,
       NULLIF(LEAST(
		COALESCE(IF(n.people <= v.people_low, (n.people - v.people_mean)
			/ NULLIF(v.people_std, 0), NULL), 1e300),
		COALESCE(IF(n.vehicle <= v.vehicle_low, (n.vehicle - v.vehicle_mean)
			/ NULLIF(v.vehicle_std, 0), NULL), 1e300),
		COALESCE(IF(n.face <= v.face_low, (n.face - v.face_mean)
			/ NULLIF(v.face_std, 0), NULL), 1e300)), 1e300) AS low_z,
       v.k,
       v.people_reference, v.people_basis, v.people_n, v.people_mean,
       v.people_std, (n.people - v.people_mean)
	/ NULLIF(v.people_std, 0) AS people_z,
       v.vehicle_reference, v.vehicle_basis, v.vehicle_n, v.vehicle_mean,
       v.vehicle_std, (n.vehicle - v.vehicle_mean)
	/ NULLIF(v.vehicle_std, 0) AS vehicle_z,
       v.face_reference, v.face_basis, v.face_n, v.face_mean,
       v.face_std, (n.face - v.face_mean)
	/ NULLIF(v.face_std, 0) AS face_z
FROM JSON_TABLE(p_rows, '$[*]' COLUMNS (
	camera_id INT UNSIGNED PATH '$[0]',
	start_at DATETIME PATH '$[1]',
	end_at DATETIME PATH '$[2]',
	people MEDIUMINT UNSIGNED PATH '$[3]',
	vehicle MEDIUMINT UNSIGNED PATH '$[4]',
	face MEDIUMINT UNSIGNED PATH '$[5]',
	people_new MEDIUMINT UNSIGNED PATH '$[6]',
	vehicle_new MEDIUMINT UNSIGNED PATH '$[7]',
	face_new MEDIUMINT UNSIGNED PATH '$[8]',
	car MEDIUMINT UNSIGNED PATH '$[9]',
	bus MEDIUMINT UNSIGNED PATH '$[10]',
	truck MEDIUMINT UNSIGNED PATH '$[11]',
	motorcycle MEDIUMINT UNSIGNED PATH '$[12]',
	bicycle MEDIUMINT UNSIGNED PATH '$[13]',
	scooter MEDIUMINT UNSIGNED PATH '$[14]',
	observed_s MEDIUMINT UNSIGNED PATH '$[15]')) n
LEFT JOIN camera c ON c.camera_id = n.camera_id
LEFT JOIN calendar_offset o
	ON o.time_zone_id = c.time_zone_id
	AND o.day_utc = CAST(n.start_at AS DATE)
LEFT JOIN reference_value v ON v.camera_id = n.camera_id
	AND v.slot = ((TO_SECONDS(n.start_at)
		+ IF(o.change_at IS NULL
		     OR n.start_at < o.change_at,
		     o.offset_s, o.offset2_s))
		DIV 3600 + 120) MOD 168
