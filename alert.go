package rxvigil

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Severity says how soon a person should look.
type Severity string

// The severities, mildest first.
const (
	Info     Severity = "info"
	Warning  Severity = "warning"
	High     Severity = "high"
	Critical Severity = "critical"
)

// Rank orders severities: the higher, the sooner a person should look.
func (s Severity) Rank() int {
	switch s {
	case Info:
		return 1
	case Warning:
		return 2
	case High:
		return 3
	case Critical:
		return 4
	}
	return 0
}

// Status is where an alert is in its life.
type Status string

// The statuses.
const (
	Pending      Status = "pending"
	Firing       Status = "firing"
	Acknowledged Status = "acknowledged"
	Snoozed      Status = "snoozed"
	Resolved     Status = "resolved"
)

// CanBecome tells whether an alert may move from s to next. Resolved is the end of an episode: the next one is a new alert.
func (s Status) CanBecome(next Status) bool {
	switch s {
	case "":
		return next == Pending || next == Firing
	case Pending:
		return next == Firing || next == Resolved
	case Firing:
		return next == Acknowledged || next == Snoozed || next == Resolved || next == Firing
	case Acknowledged:
		return next == Firing || next == Snoozed || next == Resolved || next == Acknowledged
	case Snoozed:
		return next == Firing || next == Acknowledged || next == Resolved || next == Snoozed
	}
	return false
}

// Open tells whether an alert in this status is still true and told.
func (s Status) Open() bool { return s == Firing || s == Acknowledged || s == Snoozed }

// Subject is what an alert is about.
type Subject struct {
	Type string `json:"type"` // medicine, lot, sale, prescription, patient, sensor, branch, engine
	ID   string `json:"id"`
	Name string `json:"name"`
	Lot  string `json:"lot,omitempty"` // the lot's number, for a lot
	// Medicine is the medicine's id, for a lot.
	Medicine string `json:"medicine,omitempty"`
}

// Threshold is the limit an alert was judged by, and where the limit came from: override, app, rule.
type Threshold struct {
	Value  Value  `json:"value"`
	Source string `json:"source"`
}

// Why is the proof of an alert: what was known, and by which commit.
type Why struct {
	Inputs      Facts     `json:"inputs"`
	LSN         string    `json:"lsn"` // as Postgres prints it, 0/16B3748
	CommittedAt time.Time `json:"committed_at"`
}

// Alert is a fact about the state of one subject, with its proof. One alert is one episode of one fingerprint; Version
// rises by one with each transition.
type Alert struct {
	ID             string     `json:"id"`
	Rule           string     `json:"rule"`
	Kind           string     `json:"kind"`
	Severity       Severity   `json:"severity"`
	Rung           string     `json:"rung"`
	Episode        int        `json:"episode"`
	Status         Status     `json:"status"`
	Tenant         Tenant     `json:"tenant"`
	Branch         Branch     `json:"branch"`
	Subject        Subject    `json:"subject"`
	Message        string     `json:"message"`
	Values         Facts      `json:"values"`
	Threshold      *Threshold `json:"threshold,omitempty"`
	Why            Why        `json:"why"`
	StartedAt      time.Time  `json:"started_at"`
	ChangedAt      time.Time  `json:"changed_at"`
	ResolvedAt     *time.Time `json:"resolved_at,omitempty"`
	AcknowledgedBy string     `json:"acknowledged_by,omitempty"`
	Note           string     `json:"note,omitempty"`
	SnoozedUntil   *time.Time `json:"snoozed_until,omitempty"`
	// Digest is how often what its rule finds is summed up, daily or weekly, instead of each being told; empty: it is told at once.
	Digest string `json:"digest,omitempty"`
	// Reminders is how often the alert was told again since it last changed, Escalated whether it is more severe because nobody
	// acknowledged it.
	Reminders int  `json:"reminders,omitempty"`
	Escalated bool `json:"escalated,omitempty"`
	Version   int  `json:"version"`
}

// Fingerprint names the question an alert answers: this rule, of this subject, in this branch of this tenant. 32 hex digits.
func Fingerprint(t Tenant, b Branch, rule, subjectType, subjectID string) string {
	var room [256]byte
	text := room[:0]
	for _, part := range [...]string{string(t), string(b), rule, subjectType, subjectID} {
		text = strconv.AppendInt(text, int64(len(part)), 10)
		text = append(append(text, ':'), part...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// AlertID names one episode of a fingerprint.
func AlertID(fingerprint string, episode int) string {
	return fingerprint + "-" + strconv.Itoa(episode)
}

// Fingerprint is the fingerprint the alert's id begins with.
func (a *Alert) Fingerprint() string {
	return Fingerprint(a.Tenant, a.Branch, a.Rule, a.Subject.Type, a.Subject.ID)
}

// FormatLSN prints an LSN as Postgres does.
func FormatLSN(lsn uint64) string { return fmt.Sprintf("%X/%X", uint32(lsn>>32), uint32(lsn)) }

// ParseLSN reads an LSN as Postgres prints it.
func ParseLSN(s string) (uint64, error) {
	high, low, ok := strings.Cut(s, "/")
	h, err := strconv.ParseUint(high, 16, 32)
	l, err2 := strconv.ParseUint(low, 16, 32)
	if !ok || err != nil || err2 != nil {
		return 0, fmt.Errorf("%.40q is no LSN", s)
	}
	return h<<32 | l, nil
}

func (a AlertChange) appendData(b []byte, _ bool) []byte {
	b = a.Alert.appendMembers(b)
	if a.From != "" {
		b = appendString(append(b, `,"from":`...), string(a.From))
	}
	return append(b, '}')
}

// AppendJSON appends the alert's JSON to b: what encoding/json makes of it, in a fraction of the time and memory, for an alert is stored
// and told with each of its transitions.
func (a *Alert) AppendJSON(b []byte) []byte { return append(a.appendMembers(b), '}') }

// appendMembers leaves the object open.
func (a *Alert) appendMembers(b []byte) []byte {
	b = appendString(append(b, `{"id":`...), a.ID)
	b = appendString(append(b, `,"rule":`...), a.Rule)
	b = appendString(append(b, `,"kind":`...), a.Kind)
	b = appendString(append(b, `,"severity":`...), string(a.Severity))
	b = appendString(append(b, `,"rung":`...), a.Rung)
	b = strconv.AppendInt(append(b, `,"episode":`...), int64(a.Episode), 10)
	b = appendString(append(b, `,"status":`...), string(a.Status))
	b = appendString(append(b, `,"tenant":`...), string(a.Tenant))
	b = a.Branch.appendJSON(append(b, `,"branch":`...))
	b = a.Subject.appendJSON(append(b, `,"subject":`...))
	b = appendString(append(b, `,"message":`...), a.Message)
	b = a.Values.AppendJSON(append(b, `,"values":`...))
	if t := a.Threshold; t != nil {
		b = t.Value.AppendJSON(append(b, `,"threshold":{"value":`...))
		b = append(appendString(append(b, `,"source":`...), t.Source), '}')
	}
	b = a.Why.Inputs.AppendJSON(append(b, `,"why":{"inputs":`...))
	b = appendString(append(b, `,"lsn":`...), a.Why.LSN)
	b = appendInstant(append(b, `,"committed_at":`...), a.Why.CommittedAt)
	b = appendInstant(append(b, `},"started_at":`...), a.StartedAt)
	b = appendInstant(append(b, `,"changed_at":`...), a.ChangedAt)
	if a.ResolvedAt != nil {
		b = appendInstant(append(b, `,"resolved_at":`...), *a.ResolvedAt)
	}
	if a.AcknowledgedBy != "" {
		b = appendString(append(b, `,"acknowledged_by":`...), a.AcknowledgedBy)
	}
	if a.Note != "" {
		b = appendString(append(b, `,"note":`...), a.Note)
	}
	if a.SnoozedUntil != nil {
		b = appendInstant(append(b, `,"snoozed_until":`...), *a.SnoozedUntil)
	}
	if a.Digest != "" {
		b = appendString(append(b, `,"digest":`...), a.Digest)
	}
	if a.Reminders != 0 {
		b = strconv.AppendInt(append(b, `,"reminders":`...), int64(a.Reminders), 10)
	}
	if a.Escalated {
		b = append(b, `,"escalated":true`...)
	}
	return strconv.AppendInt(append(b, `,"version":`...), int64(a.Version), 10)
}

func (s *Subject) appendJSON(b []byte) []byte {
	b = appendString(append(b, `{"type":`...), s.Type)
	b = appendString(append(b, `,"id":`...), s.ID)
	b = appendString(append(b, `,"name":`...), s.Name)
	if s.Lot != "" {
		b = appendString(append(b, `,"lot":`...), s.Lot)
	}
	if s.Medicine != "" {
		b = appendString(append(b, `,"medicine":`...), s.Medicine)
	}
	return append(b, '}')
}

func appendInstant(b []byte, t time.Time) []byte {
	return append(t.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}

// MarshalJSON gives null for the tenant as a whole.
func (b Branch) MarshalJSON() ([]byte, error) { return b.appendJSON(nil), nil }

func (b Branch) appendJSON(to []byte) []byte {
	if b == "" {
		return append(to, "null"...)
	}
	return appendString(to, string(b))
}
