#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/format/table.hpp"
#include "cli/options.hpp"
#include "davit/stats.hpp"

#include <cstdio>

namespace davit::cli {

int run_top(Globals& globals, const Args& args) {
    std::vector<std::string> services;
    Options options(globals, "top [OPTIONS] [SERVICES...]", "Display the running processes");
    options.arguments(services);
    if (!options.parse(args)) return 0;
    Context context(globals);
    Table table{{"SERVICE", "#", "UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}, {}};
    for (const ContainerInfo& c : containers_of(context, {services, false, true, 0}))
        for (const ProcessInfo& p : processes(c))
            table.rows.push_back({c.service, std::to_string(c.number), p.user, std::to_string(p.pid),
                                  std::to_string(p.parent), p.cpu, p.started, p.terminal, p.time, p.command});
    if (!table.rows.empty()) std::fputs(table.to_string().c_str(), stdout);
    return 0;
}

} // namespace davit::cli
