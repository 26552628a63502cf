-- SPDX-License-Identifier: MIT
-- outlier: rows out of the ordinary on either side.  side is 'high' (above the
-- reference) or 'low' (z <= -alert_z).
CREATE OR REPLACE VIEW outlier AS
SELECT 'high' AS side, outlier_id, camera_id, start_at, end_at,
       people, vehicle, face, exceeded AS metrics, k, z,
       people_reference, people_basis, people_n, people_mean, people_std,
       people_z, vehicle_reference, vehicle_basis, vehicle_n, vehicle_mean,
       vehicle_std, vehicle_z, face_reference, face_basis, face_n, face_mean,
       face_std, face_z, state, detected_at, note,
       reviewed_by, reviewed_at
FROM outlier_backup
UNION ALL
SELECT 'low', outlier_id, camera_id, start_at, end_at,
       people, vehicle, face, below, k, z,
       people_reference, people_basis, people_n, people_mean, people_std,
       people_z, vehicle_reference, vehicle_basis, vehicle_n, vehicle_mean,
       vehicle_std, vehicle_z, face_reference, face_basis, face_n, face_mean,
       face_std, face_z, state, detected_at, note,
       reviewed_by, reviewed_at
FROM outlier_low
