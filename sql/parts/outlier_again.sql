-- SPDX-License-Identifier: MIT
-- What becomes of an outlier that is there: judged anew; one that was withdrawn
-- is open, and nobody has reviewed it.
end_at = VALUES(end_at), people = VALUES(people), vehicle = VALUES(vehicle),
face = VALUES(face), people_new = VALUES(people_new),
vehicle_new = VALUES(vehicle_new), face_new = VALUES(face_new),
car = VALUES(car), bus = VALUES(bus), truck = VALUES(truck),
motorcycle = VALUES(motorcycle), bicycle = VALUES(bicycle),
scooter = VALUES(scooter), observed_s = VALUES(observed_s), k = VALUES(k),
people_reference = VALUES(people_reference),
people_basis = VALUES(people_basis), people_n = VALUES(people_n),
people_mean = VALUES(people_mean), people_std = VALUES(people_std),
people_z = VALUES(people_z), vehicle_reference = VALUES(vehicle_reference),
vehicle_basis = VALUES(vehicle_basis), vehicle_n = VALUES(vehicle_n),
vehicle_mean = VALUES(vehicle_mean), vehicle_std = VALUES(vehicle_std),
vehicle_z = VALUES(vehicle_z), face_reference = VALUES(face_reference),
face_basis = VALUES(face_basis), face_n = VALUES(face_n),
face_mean = VALUES(face_mean), face_std = VALUES(face_std),
face_z = VALUES(face_z), z = VALUES(z),
note = IF(state = 'withdrawn', NULL, note),
reviewed_by = IF(state = 'withdrawn', NULL, reviewed_by),
reviewed_at = IF(state = 'withdrawn', NULL, reviewed_at),
state = IF(state = 'withdrawn', 'open', state)
