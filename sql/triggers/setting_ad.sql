-- SPDX-License-Identifier: MIT
-- setting_ad: a bucket's reference depends on outlier_k.
CREATE OR REPLACE TRIGGER setting_ad AFTER DELETE ON setting FOR EACH ROW
UPDATE stats_version SET version = version + 1
