-- SPDX-License-Identifier: MIT
-- The columns that both tables of outliers have of a row and its judgement; theirs
-- besides are exceeded or below, and z.
camera_id, start_at, end_at, people, vehicle, face, people_new, vehicle_new,
face_new, car, bus, truck, motorcycle, bicycle, scooter, observed_s, k,
people_reference, people_basis, people_n, people_mean, people_std, people_z,
vehicle_reference, vehicle_basis, vehicle_n, vehicle_mean, vehicle_std,
vehicle_z, face_reference, face_basis, face_n, face_mean, face_std, face_z
