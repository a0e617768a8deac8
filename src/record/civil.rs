//! Dates of the civil calendar, in UTC: enough for run ids and lists, without a time zone database.

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    /// The year, as 2026.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
    /// 0 to 59; leap seconds do not exist in unix time.
    pub second: u32,
}

impl Civil {
    /// From seconds since 1970-01-01 00:00 UTC.
    ///
    /// The days are counted in eras of 400 years (146,097 days) that begin on a 1 March, so that the
    /// leap day is the last of its year: H. Hinnant, "chrono-compatible low-level date algorithms".
    pub fn from_unix(seconds: u64) -> Self {
        let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let shifted = days + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12 + 1;
        let small = |number: i64| u32::try_from(number).unwrap_or(0);
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: small(month),
            day: small(day_of_year - (153 * month_from_march + 2) / 5 + 1),
            hour: small(rest / 3600),
            minute: small(rest / 60 % 60),
            second: small(rest % 60),
        }
    }
}

/// `2026-11-23 04:17`, in UTC.
pub fn utc_text(unix_seconds: u64) -> String {
    let t = Civil::from_unix(unix_seconds);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}",
        t.year, t.month, t.day, t.hour, t.minute
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_have_their_dates() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00"),
            (951_782_400, "2000-02-29 00:00"),
            (1_709_164_800, "2024-02-29 00:00"),
            (1_735_689_599, "2024-12-31 23:59"),
            (1_795_407_420, "2026-11-23 04:17"),
            (4_107_542_400, "2100-03-01 00:00"),
        ] {
            assert_eq!(utc_text(seconds), text);
        }
    }

    #[test]
    fn each_day_of_two_centuries_follows_the_one_before() {
        let mut before = Civil::from_unix(0);
        for day in 1..73_000 {
            let now = Civil::from_unix(day * 86_400);
            let next_day = now.day == before.day + 1 && now.month == before.month;
            let next_month = now.day == 1 && now.month % 12 == (before.month + 1) % 12;
            assert!(next_day || next_month, "{before:?} {now:?}");
            before = now;
        }
    }
}
