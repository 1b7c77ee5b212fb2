package rules

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/vm"

	"github.com/rxvigil/rxvigil"
)

// when is a condition of a rule beyond its parameters: it asks the rule only about what fulfils it.
type when interface {
	// holds tells whether the condition is fulfilled; known is false where it asks for a number that nobody knows.
	holds(h *hearing, v verdict) (fulfilled, known bool)
}

// facts are what a condition may ask about: scalars only, so that no expression can run for long. Numbers are floats here and
// nowhere else: they are compared, and never told.
type facts struct {
	Tenant               string  `expr:"tenant"`
	Branch               string  `expr:"branch"`
	Medicine             string  `expr:"medicine"` // id
	Name                 string  `expr:"name"`
	Category             string  `expr:"category"`
	Controlled           bool    `expr:"controlled"`
	RequiresPrescription bool    `expr:"requires_prescription"`
	Price                float64 `expr:"price"`
	Cost                 float64 `expr:"cost"`
	ReorderLevel         float64 `expr:"reorder_level"`
	OnHand               float64 `expr:"on_hand"`
	Reserved             float64 `expr:"reserved"`
	Available            float64 `expr:"available"`
	DailyUse             float64 `expr:"daily_use"`
	CoverDays            float64 `expr:"cover_days"`
	Lot                  string  `expr:"lot"`      // its number; of rules about lots, as is what follows
	Quantity             float64 `expr:"quantity"` // in the lot
	Days                 float64 `expr:"days"`     // until it expires
	Rung                 string  `expr:"rung"`
	Severity             string  `expr:"severity"`
}

// What a condition may be.
const (
	mostWhenNodes = 200
	mostWhenBytes = 2 << 10
)

// condition is a compiled expression.
type condition struct {
	program *vm.Program
	numbers []string // the numbers it asks for
}

// newWhen compiles a condition, or says why it is refused. The library cannot stop an expression that runs for hours, and takes
// x / 0 for a number: so neither loops nor divisions are let in, and ratio(a, b, default) divides.
func newWhen(text string) (*condition, error) {
	if len(text) > mostWhenBytes {
		return nil, fmt.Errorf("when: %d bytes are too many: at most %d", len(text), mostWhenBytes)
	}
	guard := &guard{}
	options := []expr.Option{
		expr.Env(facts{}), expr.AsBool(), expr.MaxNodes(mostWhenNodes), expr.DisableAllBuiltins(), expr.Patch(guard),
		expr.Function("ratio", ratio, new(func(a, b, otherwise float64) float64)),
	}
	for _, name := range []string{"abs", "ceil", "floor", "round", "lower", "upper", "trim"} {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if err == nil {
		err = guard.err
	}
	if err != nil {
		said, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("when: %s", said)
	}
	return &condition{program, guard.numbers}, nil
}

// ratio is a ÷ b, or the third number where b is 0.
func ratio(params ...any) (any, error) {
	a, b, otherwise := params[0].(float64), params[1].(float64), params[2].(float64)
	if b == 0 {
		return otherwise, nil
	}
	return a / b, nil
}

// guard looks at every part of an expression. It changes nothing.
type guard struct {
	err     error
	numbers []string
}

// Visit is part of ast.Visitor.
func (g *guard) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if slices.Contains(whenNumbers, n.Value) && !slices.Contains(g.numbers, n.Value) {
			g.numbers = append(g.numbers, n.Value)
		}
	case *ast.BinaryNode:
		switch n.Operator {
		case "/", "%":
			g.err = errors.Join(g.err, fmt.Errorf("%s is not allowed, as nobody can divide by 0: use ratio(a, b, default)", n.Operator))
		case "..", "**", "^":
			g.err = errors.Join(g.err, fmt.Errorf("%s is not allowed", n.Operator))
		}
	case *ast.PredicateNode, *ast.PointerNode, *ast.MapNode, *ast.VariableDeclaratorNode, *ast.SequenceNode:
		g.err = errors.Join(g.err, errors.New("only comparisons of single values are allowed"))
	}
}

var whenNumbers = []string{ //nolint:gochecknoglobals // a table, never written
	"price", "cost", "reorder_level", "on_hand", "reserved", "available", "daily_use", "cover_days", "quantity", "days",
}

func (c *condition) holds(h *hearing, v verdict) (fulfilled, known bool) {
	f := h.facts(v)
	for _, name := range c.numbers {
		if math.IsNaN(f.number(name)) {
			return false, false
		}
	}
	out, err := expr.Run(c.program, f)
	yes, ok := out.(bool)
	return yes, err == nil && ok
}

// facts are those of the shelf at hand, and of what was found there.
func (h *hearing) facts(v verdict) facts {
	m, f := h.shelf.medicine, h.forecast()
	all := facts{
		Tenant: string(m.tenant.id), Branch: string(h.shelf.branch.id), Medicine: m.id(), Name: m.name(), Category: m.category(),
		Controlled: m.is(controlled), RequiresPrescription: m.is(onPrescription),
		Price: float(m.price()), Cost: float(m.cost()), ReorderLevel: float(h.shelf.reorder()),
		OnHand: float(h.stock.OnHand), Reserved: float(h.stock.Reserved), Available: float(h.stock.Available),
		DailyUse: float(f.adu()), CoverDays: float(f.cover(h.stock.Available)),
		Quantity: math.NaN(), Days: math.NaN(), Rung: v.rung, Severity: string(v.severity),
	}
	if l := v.lot; l != nil {
		all.Lot, all.Quantity = l.number(), float(l.onHand)
		if l.flags&lotDated != 0 && l.expires.Finite() {
			all.Days = float64(h.today.Until(l.expires))
		}
	}
	return all
}

func (f *facts) number(name string) float64 {
	return [...]float64{
		f.Price, f.Cost, f.ReorderLevel, f.OnHand, f.Reserved, f.Available, f.DailyUse, f.CoverDays, f.Quantity, f.Days,
	}[slices.Index(whenNumbers, name)]
}

// float is a number to compare with; NaN when nobody knows it.
func float(n rxvigil.Number) float64 {
	if !n.Known() {
		return math.NaN()
	}
	return n.Float64()
}

// tempered is a verdict with the rule's condition taken into account: what does not fulfil it is not so, and where nobody can tell
// neither is the verdict.
func (r *rule) tempered(h *hearing, v verdict) verdict {
	if r.when == nil || v.finding == clears {
		return v
	}
	switch fulfilled, known := r.when.holds(h, v); {
	case !known:
		v.finding, v.vague = unsure, true
	case !fulfilled:
		v.finding = clears
	}
	return v
}
