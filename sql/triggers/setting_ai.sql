-- SPDX-License-Identifier: MIT
-- setting_ai: a bucket's reference depends on outlier_k.
CREATE OR REPLACE TRIGGER setting_ai AFTER INSERT ON setting FOR EACH ROW
UPDATE stats_version SET version = version + 1
