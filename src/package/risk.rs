//! Severities in the words and numbers of the targets. What has no severity is decided by whoever asks.

use crate::about::AlertSeverity;

/// The risk score of a severity in Splunk: the middle of the range from which `contentctl` makes the severity again,
/// 0-20 informational, 21-40 low, 41-60 medium, 61-80 high, 81-100 critical:
/// <https://github.com/splunk/contentctl/blob/main/contentctl/objects/abstract_security_content_objects/detection_abstract.py>.
pub(super) const fn splunk_score(severity: AlertSeverity) -> u8 {
    match severity {
        AlertSeverity::Informational => 10,
        AlertSeverity::Low => 30,
        AlertSeverity::Medium => 50,
        AlertSeverity::High => 70,
        AlertSeverity::Critical => 90,
    }
}

/// The severity of a notable event:
/// <https://help.splunk.com/en/splunk-enterprise-security-7/administer/7.3/correlation-search/create-correlation-searches-in-splunk-enterprise-security>.
pub(super) const fn splunk_word(severity: AlertSeverity) -> &'static str {
    match severity {
        AlertSeverity::Informational => "informational",
        AlertSeverity::Low => "low",
        AlertSeverity::Medium => "medium",
        AlertSeverity::High => "high",
        AlertSeverity::Critical => "critical",
    }
}

/// `alert.severity`: 1 debug, 2 info, 3 warn, 4 error, 5 severe, 6 fatal:
/// <https://help.splunk.com/en/data-management/splunk-enterprise-admin-manual/10.0/10.0.0-configuration-file-reference/savedsearches.conf>.
pub(super) const fn splunk_number(severity: AlertSeverity) -> u8 {
    match severity {
        AlertSeverity::Informational => 2,
        AlertSeverity::Low => 3,
        AlertSeverity::Medium => 4,
        AlertSeverity::High => 5,
        AlertSeverity::Critical => 6,
    }
}

/// Severity and risk score of a rule of Elastic Security, which has no `informational`:
/// <https://www.elastic.co/docs/solutions/security/detect-and-alert/create-detection-rule>.
pub(super) const fn elastic(severity: AlertSeverity) -> (&'static str, u8) {
    match severity {
        AlertSeverity::Informational | AlertSeverity::Low => ("low", 21),
        AlertSeverity::Medium => ("medium", 47),
        AlertSeverity::High => ("high", 73),
        AlertSeverity::Critical => ("critical", 99),
    }
}
