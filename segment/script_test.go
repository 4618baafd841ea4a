package segment

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/stretchr/testify/require"
)

// TestScripts runs testdata/*.txt. Commands, each of which prints the
// transitions it caused:
//
//	new [manual]       an index; lines "name kind" declare attributes, lines
//	                   "event: name kind, name kind" events
//	define             lines "name: rule"
//	remove             lines of names
//	load               lines "time user {attributes}" or "time user event {fields}"
//	at                 a time: the clock moves there
//	query              a rule; prints the users
//	explain            "audience user"
//	erase              lines of users
//	rename             lines "from to"
//
// Rewrite the answers with go test -run TestScripts -rewrite.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.out.Reset()
			if err := s.run(d); err != nil {
				fmt.Fprintln(&s.out, err)
			}
			if s.out.Len() == 0 {
				return "ok\n"
			}
			return s.out.String()
		})
	})
}

type script struct {
	x   *Index
	out strings.Builder
}

func kindNamed(name string) Kind {
	for k := Any; k <= lastKind; k++ {
		if k.String() == name || k.String() == "list of "+name {
			return k
		}
	}
	panic("unknown kind " + name)
}

func (s *script) run(d *datadriven.TestData) error {
	lines := strings.Split(strings.TrimSpace(d.Input), "\n")
	if d.Cmd == "new" {
		return s.open(lines, d.HasArg("manual"))
	}
	for _, line := range lines {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if err := s.line(d.Cmd, line); err != nil {
			return err
		}
	}
	return nil
}

func (s *script) open(lines []string, manual bool) error {
	schema, opts := Schema{}, &Options{Events: map[string]Schema{}}
	if manual {
		opts.Clock = Manual
	}
	add := func(to Schema, text string) {
		if name, kind, ok := strings.Cut(strings.TrimSpace(text), " "); ok {
			to[name] = kindNamed(kind)
		}
	}
	for _, line := range lines {
		if event, fields, ok := strings.Cut(line, ":"); ok {
			opts.Events[event] = Schema{}
			for f := range strings.SplitSeq(fields, ",") {
				add(opts.Events[event], f)
			}
			continue
		}
		add(schema, line)
	}
	var err error
	if s.x, err = NewIndex(schema, opts); err != nil {
		return err
	}
	s.x.Watch(nil, func(t Transition) {
		verb := "leave"
		if t.Entered {
			verb = "enter"
		}
		fmt.Fprintf(&s.out, "%s %d %s %s: %s", t.At.Format("2006-01-02 15:04:05"), t.User, verb, t.Audience, t.Cause.Kind)
		if t.Cause.Predicate != "" {
			fmt.Fprintf(&s.out, ", %s", t.Cause.Predicate)
		}
		fmt.Fprintln(&s.out)
	})
	return nil
}

func (s *script) line(cmd, line string) error {
	switch cmd {
	case "define":
		name, rule, _ := strings.Cut(line, ": ")
		_, err := s.x.Define(name, rule)
		return err
	case "remove":
		return s.x.Remove(line)
	case "at":
		now, err := time.Parse(time.DateTime, line)
		if err != nil {
			return err
		}
		return s.x.Advance(now)
	case "query":
		users, err := s.x.Query(line)
		if err != nil {
			return err
		}
		fmt.Fprintln(&s.out, strings.Trim(fmt.Sprint(users.ToArray()), "[]"))
		return nil
	case "explain":
		name, user, _ := strings.Cut(line, " ")
		var u uint32
		if _, err := fmt.Sscan(user, &u); err != nil {
			return err
		}
		e, err := s.x.Explain(name, u)
		if err == nil {
			s.out.WriteString(e.String())
		}
		return err
	case "erase":
		var u uint32
		if _, err := fmt.Sscan(line, &u); err != nil {
			return err
		}
		return s.x.Erase(u)
	case "rename":
		var from, to uint32
		if _, err := fmt.Sscan(line, &from, &to); err != nil {
			return err
		}
		return s.x.Rename(from, to)
	case "load":
		return s.load(line)
	}
	return fmt.Errorf("unknown command %s", cmd)
}

func (s *script) load(line string) error {
	when, rest := line[:len(time.DateTime)], strings.TrimSpace(line[len(time.DateTime):])
	now, err := time.Parse(time.DateTime, when)
	if err != nil {
		return err
	}
	head, body, _ := strings.Cut(rest, "{")
	user, event, _ := strings.Cut(strings.TrimSpace(head), " ")
	var u uint32
	if _, err := fmt.Sscan(user, &u); err != nil {
		return err
	}
	fields := map[string]any{}
	if strings.HasPrefix(body, "}") {
		body = ""
	}
	if body != "" {
		d := json.NewDecoder(strings.NewReader("{" + body))
		d.UseNumber()
		if err := d.Decode(&fields); err != nil {
			return err
		}
	}
	for name, v := range fields {
		if text, ok := v.(string); ok {
			if date, err := time.Parse(time.DateTime, text); err == nil {
				fields[name] = date
			}
		}
	}
	if event == "" {
		return s.x.Update(u, fields, now)
	}
	return s.x.Observe(u, event, fields, now)
}

func TestKindsByName(t *testing.T) {
	for k := Any; k <= lastKind; k++ {
		require.Equal(t, k, kindNamed(k.String()))
	}
}
