-- SPDX-License-Identifier: MIT
-- setting_au: a bucket's reference depends on outlier_k.
CREATE OR REPLACE TRIGGER setting_au AFTER UPDATE ON setting FOR EACH ROW
UPDATE stats_version SET version = version + 1
