package experiment

// UserValue is one user's value of a metric, see [Readout.Values].
type UserValue struct {
	User  uint32
	Value float64
	Epoch int    // of the first exposure
	Unit  string // what was randomized, when it is not the user
}

// Values returns the values of an arm's users, by ascending user: what
// [Readout.Compare] compares, for tests that it does not know, such as
// [AnyDifference] and those of package exact. Users are left out as in Compare.
// The metric must be a plain value; covariates and strata of the options are
// not looked at.
func (r *Readout) Values(metric, arm string, opts *TestOptions) ([]UserValue, error) {
	const fn = "Values"
	o, err := opts.resolve(fn)
	if err != nil {
		return nil, err
	}
	m, err := r.metric(metric)
	if err != nil {
		return nil, err
	}
	if m.formed() {
		return nil, &OptionError{fn, "metric", metric, "want one that is a plain value"}
	}
	j := r.join(&m, nil, nil, o.AsOf)
	if err := r.known(j, arm); err != nil {
		return nil, err
	}
	var c Comparison
	c.Control.Arm, c.Treatment.Arm = arm, arm
	members := c.admit(j, m, o)
	out := make([]UserValue, len(members))
	r.mu.RLock()
	defer r.mu.RUnlock()
	for i, s := range members {
		out[i] = UserValue{User: s.user, Value: j.value(s), Epoch: s.epoch, Unit: r.names.units.Name(s.unit)}
	}
	return out, nil
}
