-- SPDX-License-Identifier: MIT
-- monthly_sat_stats: table of 2021, the Saturdays of each month that is over.
CREATE OR REPLACE VIEW monthly_sat_stats AS
SELECT _id, start_date, avg_people, std_people, avg_vehicle, std_vehicle
FROM averaged_weekday_month WHERE weekday = 6
