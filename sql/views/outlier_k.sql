-- SPDX-License-Identifier: MIT
-- outlier_k: k of reference = mean + k * std, in one row.
CREATE OR REPLACE VIEW outlier_k AS
SELECT COALESCE(setting_number('outlier_k'), 1.5) AS k
