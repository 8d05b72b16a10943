#include "dockerfile/history.hpp"

#include "base/units.hpp"
#include "dockerfile/text.hpp"

#include <fmt/format.h>

namespace davit::dockerfile::history {

std::string list(const std::vector<std::string>& items) { return "[" + join(items, " ") + "]"; }

std::string quoted(const std::vector<std::string>& items) {
    std::vector<std::string> out;
    for (const std::string& item : items) out.push_back(go_quoted(item));
    return list(out);
}

std::string healthcheck(const image::Healthcheck& c) {
    return fmt::format("{{Test:{} Interval:{} Timeout:{} StartPeriod:{} StartInterval:{} Retries:{}}}", list(c.test),
                       format_duration(c.interval.count()), format_duration(c.timeout.count()),
                       format_duration(c.start_period.count()), format_duration(c.start_interval.count()), c.retries);
}

std::string run(const std::vector<std::string>& args, const std::vector<std::string>& declared, const Variables& env) {
    std::string out = "RUN ";
    if (!declared.empty()) out += fmt::format("|{} ", declared.size());
    for (const std::string& name : declared) {
        const std::string* value = env.find(name);
        out += name + "=" + (value ? *value : "") + " ";
    }
    return out + join(args, " ") + " # buildkit";
}

} // namespace davit::dockerfile::history
