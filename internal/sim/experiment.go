package sim

// exposeWait is the mean number of days until a customer opens the page with the experiment.
const exposeWait = 18

// decide fixes for good when a customer opens the delivery page, on which the experiment
// runs, and the unit and the arm: the unit is the account if there is one by then, else the
// cookie of the first device. Nothing of this depends on marketing or on buying.
func (p *person) decide(w *World) {
	p.exposeDay = never
	first := int32(w.opts.ExperimentDay)
	if first < 0 {
		return
	}
	day := max(first, p.arrive) + int32(exposeWait*p.k.exponential(timeless, purposeExpose, 0))
	p.unit = w.cookieOf(&p.customer, 0)
	if p.account <= day {
		p.unit = w.accountID(p.id)
	}
	if w.opts.Assign != nil {
		p.arm, p.in = w.opts.Assign(p.unit)
	} else {
		p.in, p.arm = true, ArmControl
		if p.k.chance(timeless, purposeArm, 0, 0.5) {
			p.arm = ArmTreatment
		}
	}
	if p.in {
		p.exposeDay = day
	}
}

// treated says whether the treatment acts on a day: from the one after the exposure.
func (p *person) treated(d int) bool {
	return p.arm == ArmTreatment && int32(d) > p.exposeDay && p.in
}

// ArmMeans are means over the exposed customers, all of them under one arm.
type ArmMeans struct {
	Conversion float64 // share with at least one order between exposure and the end
	Orders     float64 // orders per customer between exposure and the end
	Revenue    float64 // revenue per customer in the same time, refunds not taken off
}

// ExperimentEffect holds both potential outcomes of the exposed customers. They come from
// the same draws, so that their difference is the effect in this very population, without
// sampling noise; an estimate from the events differs from it by the chance of the
// assignment (and by dirt) alone.
type ExperimentEffect struct {
	Exposed   int            // customers exposed
	Assigned  map[string]int // of these, by the arm they were in
	Control   ArmMeans       // had all been in the control arm
	Treatment ArmMeans       // had all been in the treatment arm
}

// ExperimentTruth is the effect of the experiment, overall and by type.
type ExperimentTruth struct {
	ID      string
	Overall ExperimentEffect
	ByType  [4]ExperimentEffect // indexed by Type
}

// potential adds up a customer's outcomes under one arm. Whether and when a customer is
// exposed does not depend on the arm.
func (w *World) potential(id int, arm string) (m ArmMeans, exposed bool) {
	p := w.newPerson(id)
	if !p.in {
		return m, false
	}
	p.arm = arm
	var since int64
	for d := range w.days {
		t := w.live(&p, d, w.on)
		if t.expose {
			since = t.exposure
		}
		if t.bought && p.exposed && t.order >= since && t.order < w.last {
			m.Conversion = 1
			m.Orders++
			m.Revenue += float64(w.basket(&p.customer, d).revenue()) / 100
		}
	}
	return m, p.exposed
}

func (m *ArmMeans) add(o ArmMeans) {
	m.Conversion += o.Conversion
	m.Orders += o.Orders
	m.Revenue += o.Revenue
}

func (m *ArmMeans) scale(n int) {
	if n > 0 {
		m.Conversion /= float64(n)
		m.Orders /= float64(n)
		m.Revenue /= float64(n)
	}
}

func (w *World) experimentTruth() ExperimentTruth {
	x := ExperimentTruth{ID: ExperimentID}
	sums := []*ExperimentEffect{&x.Overall, &x.ByType[0], &x.ByType[1], &x.ByType[2], &x.ByType[3]}
	for _, s := range sums {
		s.Assigned = map[string]int{}
	}
	if w.opts.ExperimentDay < 0 {
		return x
	}
	for id := range w.opts.Customers {
		control, exposed := w.potential(id, ArmControl)
		if !exposed {
			continue
		}
		treatment, _ := w.potential(id, ArmTreatment)
		p := w.newPerson(id)
		for _, s := range []*ExperimentEffect{&x.Overall, &x.ByType[p.kind]} {
			s.Exposed++
			s.Assigned[p.arm]++
			s.Control.add(control)
			s.Treatment.add(treatment)
		}
	}
	for _, s := range sums {
		s.Control.scale(s.Exposed)
		s.Treatment.scale(s.Exposed)
	}
	return x
}
