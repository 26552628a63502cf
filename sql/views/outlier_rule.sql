-- SPDX-License-Identifier: MIT
-- outlier_rule: THE OUTLIER RULE.  Each row of count_record beside its camera's
-- reference for that hour of the week, where there is one: `exceeded` names the
-- metrics above their reference, `below` those at or below `low` (z <= -alert_z);
-- high_z is the greatest z of the former, low_z the least of the latter.  For a
-- row by its key, or for the rows of a join; all rows at once take their time.
CREATE OR REPLACE VIEW outlier_rule AS
SELECT n.camera_id, n.start_at, n.end_at,
       n.people, n.vehicle, n.face, n.people_new, n.vehicle_new, n.face_new,
       n.car, n.bus, n.truck, n.motorcycle, n.bicycle, n.scooter, n.observed_s,
       CONCAT_WS(',',
		IF(n.people > r.people_reference, 'people', NULL),
		IF(n.vehicle > r.vehicle_reference, 'vehicle', NULL),
		IF(n.face > r.face_reference, 'face', NULL)) AS exceeded,
       CONCAT_WS(',',
		IF(n.people <= r.people_low, 'people', NULL),
		IF(n.vehicle <= r.vehicle_low, 'vehicle', NULL),
		IF(n.face <= r.face_low, 'face', NULL)) AS below,
       NULLIF(GREATEST(
		COALESCE(IF(n.people > r.people_reference, (n.people - r.people_mean)
			/ NULLIF(r.people_std, 0), NULL), -1e300),
		COALESCE(IF(n.vehicle > r.vehicle_reference, (n.vehicle - r.vehicle_mean)
			/ NULLIF(r.vehicle_std, 0), NULL), -1e300),
		COALESCE(IF(n.face > r.face_reference, (n.face - r.face_mean)
			/ NULLIF(r.face_std, 0), NULL), -1e300)),
		-1e300) AS high_z,
       NULLIF(LEAST(
		COALESCE(IF(n.people <= r.people_low, (n.people - r.people_mean)
			/ NULLIF(r.people_std, 0), NULL), 1e300),
		COALESCE(IF(n.vehicle <= r.vehicle_low, (n.vehicle - r.vehicle_mean)
			/ NULLIF(r.vehicle_std, 0), NULL), 1e300),
		COALESCE(IF(n.face <= r.face_low, (n.face - r.face_mean)
			/ NULLIF(r.face_std, 0), NULL), 1e300)),
		1e300) AS low_z,
       r.k,
       r.people_reference, r.people_basis, r.people_n, r.people_mean, r.people_std,
       (n.people - r.people_mean) / NULLIF(r.people_std, 0) AS people_z,
       r.vehicle_reference, r.vehicle_basis, r.vehicle_n, r.vehicle_mean, r.vehicle_std,
       (n.vehicle - r.vehicle_mean) / NULLIF(r.vehicle_std, 0) AS vehicle_z,
       r.face_reference, r.face_basis, r.face_n, r.face_mean, r.face_std,
       (n.face - r.face_mean) / NULLIF(r.face_std, 0) AS face_z
FROM count_record n
STRAIGHT_JOIN camera c ON c.camera_id = n.camera_id
STRAIGHT_JOIN calendar_offset o ON o.time_zone_id = c.time_zone_id
	AND o.day_utc = CAST(n.start_at AS DATE)
STRAIGHT_JOIN reference_value r ON r.camera_id = n.camera_id
	AND r.slot = ((TO_SECONDS(n.start_at)
		+ IF(o.change_at IS NULL OR n.start_at < o.change_at,
		     o.offset_s, o.offset2_s))
		DIV 3600 + 120) MOD 168
