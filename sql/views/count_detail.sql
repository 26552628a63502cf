-- SPDX-License-Identifier: MIT
-- count_detail: what a row says beside its figures, a column each.
CREATE OR REPLACE VIEW count_detail AS
SELECT camera_id, start_at,
       CAST(JSON_VALUE(detail, '$.people.left') AS UNSIGNED) AS people_left,
       CAST(JSON_VALUE(detail, '$.people.peak') AS UNSIGNED) AS people_peak,
       CAST(JSON_VALUE(detail, '$.people.stay_s') AS UNSIGNED) AS people_stay_s,
       JSON_VALUE(detail, '$.people.stay_s') / NULLIF(observed_s, 0)
		AS people_mean,
       CAST(JSON_VALUE(detail, '$.vehicle.left') AS UNSIGNED) AS vehicle_left,
       CAST(JSON_VALUE(detail, '$.vehicle.peak') AS UNSIGNED) AS vehicle_peak,
       CAST(JSON_VALUE(detail, '$.vehicle.stay_s') AS UNSIGNED)
		AS vehicle_stay_s,
       JSON_VALUE(detail, '$.vehicle.stay_s') / NULLIF(observed_s, 0)
		AS vehicle_mean,
       CAST(JSON_VALUE(detail, '$.face.left') AS UNSIGNED) AS face_left,
       CAST(JSON_VALUE(detail, '$.face.peak') AS UNSIGNED) AS face_peak,
       CAST(JSON_VALUE(detail, '$.face.stay_s') AS UNSIGNED) AS face_stay_s,
       JSON_VALUE(detail, '$.face.stay_s') / NULLIF(observed_s, 0) AS face_mean,
       CAST(JSON_VALUE(detail, '$.speed.n') AS UNSIGNED) AS speed_n,
       CAST(JSON_VALUE(detail, '$.speed.sum_cm_s') AS UNSIGNED)
		AS speed_sum_cm_s,
       CAST(JSON_VALUE(detail, '$.speed.max_cm_s') AS UNSIGNED)
		AS speed_max_cm_s
FROM count_record
WHERE detail IS NOT NULL AND JSON_VALID(detail)
