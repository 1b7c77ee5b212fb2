package push

import (
	"context"
	"net/http"
	"time"

	"github.com/rxvigil/rxvigil"
)

// ThresholdDesk shows by which thresholds one tenant is judged.
type ThresholdDesk interface {
	// Overrides lists what people set, by rule, medicine and branch.
	Overrides(ctx context.Context, t rxvigil.Tenant) ([]OverrideItem, error)
	// Thresholds lists by which thresholds a medicine is judged, by rule and branch, and where each comes from; ErrNotFound when this
	// tenant has no such medicine.
	Thresholds(ctx context.Context, t rxvigil.Tenant, medicine string) ([]ThresholdItem, error)
}

// OverrideItem is a threshold that a person set, in one branch or, where that is nil, in all.
type OverrideItem struct {
	Rule     string           `json:"rule"`
	Medicine ExpiringMedicine `json:"medicine"`
	Branch   *Branch          `json:"branch"`
	Value    rxvigil.Number   `json:"value"`
	By       string           `json:"by"`
	At       time.Time        `json:"at"`
}

// ThresholdItem is a threshold in effect. Its source is override, app, medicine, category, branch, tenant, usage or rule: the first of
// these that says something.
type ThresholdItem struct {
	Rule      string            `json:"rule"`
	Branch    *Branch           `json:"branch"`
	Threshold rxvigil.Threshold `json:"threshold"`
}

// ThresholdChange sets the threshold of a rule for a medicine in one branch, or in all where that is empty; without a value it
// withdraws what was set.
type ThresholdChange struct {
	Rule     string
	Medicine string
	Branch   rxvigil.Branch
	Value    *rxvigil.Number
	By       string
}

// overrides answers GET …/thresholds.
func (s *Server) overrides(c call) (int, any, error) {
	if err := c.only(); err != nil {
		return 0, nil, err
	}
	if err := c.who.limit(Filter{Topics: []rxvigil.Topic{rxvigil.Inventory}}); err != nil {
		return 0, nil, err
	}
	all, err := s.Thresholds.Overrides(c.Context(), c.tenant.ID)
	if err != nil {
		return 0, nil, err
	}
	var shown []OverrideItem
	for _, o := range all {
		if c.who.at(o.Branch) {
			shown = append(shown, o)
		}
	}
	return http.StatusOK, newPage(shown, "", c.cursor), nil
}

// thresholds answers GET …/thresholds/{medicine}.
func (s *Server) thresholds(c call) (int, any, error) {
	if err := c.only(); err != nil {
		return 0, nil, err
	}
	if err := c.who.limit(Filter{Topics: []rxvigil.Topic{rxvigil.Inventory}}); err != nil {
		return 0, nil, err
	}
	all, err := s.Thresholds.Thresholds(c.Context(), c.tenant.ID, c.PathValue("medicine"))
	if err != nil {
		return 0, nil, err
	}
	var shown []ThresholdItem
	for _, t := range all {
		if c.who.at(t.Branch) {
			shown = append(shown, t)
		}
	}
	return http.StatusOK, newPage(shown, "", c.cursor), nil
}

// thresholdBody is what a change may say. Rule is low_stock where it is not said.
type thresholdBody struct {
	Rule   string          `json:"rule"`
	Branch string          `json:"branch"`
	Value  *rxvigil.Number `json:"value"`
	By     string          `json:"by"`
}

// setThreshold answers PUT …/thresholds/{medicine}.
func (s *Server) setThreshold(c call) (int, any, error) {
	var body thresholdBody
	if err := decode(c.Body, &body); err != nil {
		return 0, nil, err
	}
	if body.Value == nil || !body.Value.Known() || body.Value.Sign() < 0 {
		return 0, nil, bad("value is a number from 0")
	}
	return s.changeThreshold(c, body)
}

// dropThreshold answers DELETE …/thresholds/{medicine}, with ?rule= and ?branch= as PUT has them in its body.
func (s *Server) dropThreshold(c call) (int, any, error) {
	if err := c.only("rule", "branch"); err != nil {
		return 0, nil, err
	}
	return s.changeThreshold(c, thresholdBody{Rule: c.param("rule"), Branch: c.param("branch")})
}

func (s *Server) changeThreshold(c call, body thresholdBody) (int, any, error) {
	if body.Rule == "" {
		body.Rule = "low_stock"
	}
	if len(body.Rule) > 100 || len(body.Branch) > 200 || len(body.By) > 200 {
		return 0, nil, bad("rule may have 100 bytes, branch and by 200")
	}
	t := ThresholdChange{Rule: body.Rule, Medicine: c.PathValue("medicine"), Branch: rxvigil.Branch(body.Branch), Value: body.Value, By: body.By}
	if c.who != nil {
		t.By = c.who.User
		if t.Branch == "" && !c.who.Grant.EveryBranch {
			return 0, nil, forbidden("a threshold for every branch takes a role that spans them: name the branch")
		}
		if err := c.who.limit(Filter{Topics: []rxvigil.Topic{rxvigil.Inventory}, Branch: t.Branch}); err != nil {
			return 0, nil, err
		}
	}
	ctx, cancel := context.WithTimeout(c.Context(), readBack)
	defer cancel()
	o, err := s.Commander.SetThreshold(ctx, c.tenant.ID, t)
	if err != nil {
		return 0, nil, err
	}
	if o.Done && !o.Applied {
		return 0, nil, bad("%s", o.Reason)
	}
	status, answer := o.answer()
	return status, answer, nil
}
