-- SPDX-License-Identifier: MIT
-- The values of outlier_columns, of r, a row of outlier_rule.
r.camera_id, r.start_at, r.end_at, r.people, r.vehicle, r.face, r.people_new,
r.vehicle_new, r.face_new, r.car, r.bus, r.truck, r.motorcycle, r.bicycle,
r.scooter, r.observed_s, r.k, r.people_reference, r.people_basis, r.people_n,
r.people_mean, r.people_std, r.people_z, r.vehicle_reference, r.vehicle_basis,
r.vehicle_n, r.vehicle_mean, r.vehicle_std, r.vehicle_z, r.face_reference,
r.face_basis, r.face_n, r.face_mean, r.face_std, r.face_z
