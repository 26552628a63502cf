-- SPDX-License-Identifier: MIT
-- read: what an account for reading sees: counts, statistics, outliers and how
-- the work fares.  Tokens, log-ins, sessions, the audit list, uploads and kept
-- replies are not among it.
GRANT SELECT ON site TO {account};
GRANT SELECT ON camera TO {account};
GRANT SELECT ON shape TO {account};
GRANT SELECT ON time_zone TO {account};
GRANT SELECT ON calendar_day TO {account};
GRANT SELECT ON calendar_offset TO {account};
GRANT SELECT ON count_record TO {account};
GRANT SELECT ON count_detail TO {account};
GRANT SELECT ON detection_record TO {account};
GRANT SELECT ON stats_quarter TO {account};
GRANT SELECT ON stats_hour TO {account};
GRANT SELECT ON stats_day TO {account};
GRANT SELECT ON stats_week TO {account};
GRANT SELECT ON stats_month TO {account};
GRANT SELECT ON stats_year TO {account};
GRANT SELECT ON stats_weekday_month TO {account};
GRANT SELECT ON stats_weekday_year TO {account};
GRANT SELECT ON stats_profile_month TO {account};
GRANT SELECT ON retention TO {account};
GRANT SELECT ON reference_value TO {account};
GRANT SELECT ON reference_camera TO {account};
GRANT SELECT ON outlier_backup TO {account};
GRANT SELECT ON outlier_low TO {account};
GRANT SELECT ON outlier TO {account};
GRANT SELECT ON outlier_k TO {account};
GRANT SELECT ON setting TO {account};
GRANT SELECT ON trigger_failure TO {account};
GRANT SELECT ON job_run TO {account};
GRANT SELECT ON job_state TO {account};
GRANT SELECT ON health TO {account};
GRANT SELECT ON test TO {account};
GRANT SELECT ON backup TO {account};
GRANT SELECT ON day_stats TO {account};
GRANT SELECT ON week_stats TO {account};
GRANT SELECT ON month_stats TO {account};
GRANT SELECT ON year_stats TO {account};
GRANT SELECT ON monthly_mon_stats TO {account};
GRANT SELECT ON monthly_tue_stats TO {account};
GRANT SELECT ON monthly_wed_stats TO {account};
GRANT SELECT ON monthly_thu_stats TO {account};
GRANT SELECT ON monthly_fri_stats TO {account};
GRANT SELECT ON monthly_sat_stats TO {account};
GRANT SELECT ON monthly_sun_stats TO {account};
GRANT SELECT ON yearly_mon_stats TO {account};
GRANT SELECT ON yearly_tue_stats TO {account};
GRANT SELECT ON yearly_wed_stats TO {account};
GRANT SELECT ON yearly_thu_stats TO {account};
GRANT SELECT ON yearly_fri_stats TO {account};
GRANT SELECT ON yearly_sat_stats TO {account};
GRANT SELECT ON yearly_sun_stats TO {account};
-- What the views above call: DESCRIBE asks for it.
GRANT EXECUTE ON FUNCTION setting_number TO {account};
GRANT EXECUTE ON FUNCTION scheduler_state TO {account};
GRANT EXECUTE ON FUNCTION event_state TO {account};
GRANT EXECUTE ON FUNCTION kept_from TO {account};
