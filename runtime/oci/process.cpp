#include "runtime/defaults.hpp"
#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/sections.hpp"

namespace davit::runtime::oci {
namespace {

void user(Fields& f, User& u, mode_t& umask) {
    f.always("uid", u.uid);
    f.always("gid", u.gid);
    f.member("umask", umask, 0022);
    f.member("additionalGids", u.additional_gids);
    f.idle("username", u.username);
    f.own("name", u.name);
    f.own("groups", u.groups);
}

void set_of_capabilities(Fields& f, const char* key, CapSet& set) {
    std::vector<std::string> names;
    for (int i = 0; f.writing() && capability_name(i); ++i)
        if (set >> i & 1) names.emplace_back(capability_name(i));
    f.member(key, names);
    bool unknown = false; // a newer kernel's: cannot be given, as other runtimes have it
    for (const std::string& name : names) {
        if (!f.reading()) break;
        if (auto number = capability_from_name(name)) set |= CapSet{1} << *number;
        else unknown = true;
    }
    if (unknown) f.tell(key);
}

void capabilities(Fields& f, Capabilities& c) {
    set_of_capabilities(f, "bounding", c.bounding);
    set_of_capabilities(f, "effective", c.effective);
    set_of_capabilities(f, "permitted", c.permitted);
    set_of_capabilities(f, "inheritable", c.inheritable);
    set_of_capabilities(f, "ambient", c.ambient);
}

void rlimit(Fields& f, Rlimit& r) {
    std::string name;
    if (f.writing()) {
        name = std::string("RLIMIT_") + (rlimit_name(r.resource) ? rlimit_name(r.resource) : "?");
        for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    f.always("type", name);
    if (f.reading()) {
        auto number = rlimit_from_name(name);
        if (!number) f.refuse("'" + name + "' is no resource limit that this davit knows");
        r.resource = *number;
    }
    f.always("soft", r.soft);
    f.always("hard", r.hard);
}

void scheduler(Fields& f, Scheduler& s) {
    f.always("policy", s.policy);
    f.member("nice", s.nice);
    f.member("priority", s.priority);
    f.member("flags", s.flags);
    f.member("runtime", s.runtime);
    f.member("deadline", s.deadline);
    f.member("period", s.period);
}

} // namespace

void process(Fields& f, Process& p) {
    f.member("terminal", p.terminal);
    f.object("consoleSize", [&] {
        f.member("height", p.rows);
        f.member("width", p.columns);
    });
    f.object("user", [&] { user(f, p.user, p.umask); });
    f.member("args", p.args);
    f.idle("commandLine", p.command_line);
    f.member("env", p.env);
    f.always("cwd", p.cwd);
    f.object("capabilities", [&] { capabilities(f, p.caps); });
    f.list("rlimits", p.rlimits, rlimit);
    f.member("noNewPrivileges", p.no_new_privileges);
    f.member("oomScoreAdj", p.oom_score_adj);
    f.member("apparmorProfile", p.apparmor_profile);
    f.idle("selinuxLabel", p.selinux_label);
    f.idle_maybe("scheduler", p.scheduler, scheduler);
    f.idle_maybe("ioPriority", p.io_priority, [](Fields& g, IoPriority& io) {
        g.always("class", io.io_class);
        g.always("priority", io.priority);
    });
    f.idle_maybe("execCPUAffinity", p.exec_cpu_affinity, [](Fields& g, CpuAffinity& a) {
        g.member("initial", a.initial);
        g.member("final", a.final);
    });
    f.own("stdinOpen", p.stdin_open);
}

} // namespace davit::runtime::oci
