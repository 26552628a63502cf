-- SPDX-License-Identifier: MIT
-- 0011: may outliers be left out of the references of later days?  'with',
-- 'without_alerts' (those at alert level are left out) or 'without'.

INSERT IGNORE INTO setting (name, value) VALUES ('reference_outliers', 'with');
