#include "dockerfile/instruction_forms.hpp"

#include "base/units.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <limits>

namespace davit::dockerfile::forms {

namespace {

void want_some(const Node& node, std::string_view form) {
    if (!node.args.empty()) return;
    throw mistake(node.place, "{} wants at least one argument", upper(node.keyword))
        .with_hint("write " + upper(node.keyword) + " " + std::string(form));
}

const std::string& the_argument(const Node& node, std::string_view form) {
    Flags(node, {});
    want_some(node, form);
    return node.args.front();
}

std::vector<instruction::Pair> pairs_of(const Node& node) {
    Flags(node, {});
    want_some(node, "NAME=VALUE");
    std::vector<instruction::Pair> out;
    for (std::size_t i = 0; i + 2 < node.args.size(); i += 3) {
        if (node.args[i].empty())
            throw mistake(node.place_of("=" + node.args[i + 1]), "a name of {} is empty", upper(node.keyword))
                .with_hint("write NAME=VALUE without blanks around =");
        out.push_back({node.args[i], node.args[i + 1], node.args[i + 2].empty()});
    }
    return out;
}

constexpr FlagRule healthcheck_flags[] = {{"interval"}, {"timeout"}, {"start-period"}, {"start-interval"}, {"retries"}};

std::chrono::nanoseconds duration_of(const Node& node, const Flags& flags, const std::string& name) {
    const std::string text = flags.text(name);
    if (text.empty()) return {};
    const Place place = node.place_of("--" + name);
    auto parsed = text.find_first_of("dwy") == std::string::npos ? parse_duration(text) : std::nullopt;
    if (!parsed) throw mistake(place, "'{}' is no duration", text).with_hint("durations look like 90s, 1m30s or 500ms");
    std::chrono::nanoseconds out(*parsed);
    if (out.count() != 0 && out < std::chrono::milliseconds(1))
        throw mistake(place, "--{} is less than 1ms", name).with_hint("0s stands for the default");
    return out;
}

int retries_of(const Node& node, const Flags& flags) {
    const std::string text = flags.text("retries");
    if (text.empty()) return 0;
    auto number = parse_int(text);
    if (number && *number >= 0 && *number <= std::numeric_limits<int>::max()) return static_cast<int>(*number);
    throw mistake(node.place_of("--retries"), "'{}' is no number of retries", text).with_hint("it is 0 or more");
}

} // namespace

instruction::Env env(const Node& node) { return {pairs_of(node)}; }
instruction::Label label(const Node& node) { return {pairs_of(node)}; }

// Flags of ARG and STOPSIGNAL, whatever they are, say nothing, as in the reference.
instruction::Arg arg(const Node& node) {
    want_some(node, "NAME or ARG NAME=DEFAULT");
    instruction::Arg out;
    for (const std::string& word : node.args) {
        auto equals = word.find('=');
        if (equals == 0)
            throw mistake(node.place_of(word), "the name of an ARG is empty").with_hint("write ARG NAME=DEFAULT");
        auto& added = out.args.emplace_back(word.substr(0, equals), std::nullopt);
        if (equals != std::string::npos) added.second = word.substr(equals + 1);
    }
    return out;
}

instruction::Healthcheck healthcheck(const Node& node) {
    want_some(node, "CMD COMMAND or HEALTHCHECK NONE");
    const std::string& type = node.args.front();
    std::vector<std::string> command(node.args.begin() + 1, node.args.end());
    image::Healthcheck check;
    if (type == "NONE") {
        if (!command.empty()) throw mistake(node.place, "HEALTHCHECK NONE takes no arguments").with_hint("remove them");
        check.test = {type};
        return {check};
    }
    const Flags flags(node, healthcheck_flags);
    if (type != "CMD")
        throw mistake(node.place, "HEALTHCHECK does not know '{}'", type)
            .with_hint("write HEALTHCHECK CMD COMMAND, or HEALTHCHECK NONE");
    if (command.empty())
        throw mistake(node.place, "HEALTHCHECK CMD wants a command").with_hint("write HEALTHCHECK CMD COMMAND");
    check.test = {node.json ? "CMD" : "CMD-SHELL"};
    check.test.insert(check.test.end(), command.begin(), command.end());
    check.interval = duration_of(node, flags, "interval");
    check.timeout = duration_of(node, flags, "timeout");
    check.start_period = duration_of(node, flags, "start-period");
    check.start_interval = duration_of(node, flags, "start-interval");
    check.retries = retries_of(node, flags);
    return {check};
}

instruction::Expose expose(const Node& node) {
    the_argument(node, "PORT");
    instruction::Expose out{node.args};
    std::sort(out.ports.begin(), out.ports.end());
    return out;
}

instruction::Volume volume(const Node& node) {
    the_argument(node, "PATH");
    instruction::Volume out;
    for (const std::string& path : node.args) {
        out.paths.emplace_back(trim(path));
        if (out.paths.back().empty())
            throw mistake(node.place, "a path of VOLUME is empty").with_hint("name a directory");
    }
    return out;
}

instruction::User user(const Node& node) { return {the_argument(node, "NAME[:GROUP]")}; }
instruction::Workdir workdir(const Node& node) { return {the_argument(node, "PATH")}; }
instruction::StopSignal stop_signal(const Node& node) {
    want_some(node, "SIGNAL");
    return {node.args.front()};
}
instruction::Maintainer maintainer(const Node& node) { return {the_argument(node, "NAME")}; }

instruction::Shell shell(const Node& node) {
    the_argument(node, "[\"PROGRAM\", \"ARGUMENT\"]");
    if (!node.json)
        throw mistake(node.place, "SHELL wants its arguments in JSON form")
            .with_hint("write SHELL [\"/bin/sh\", \"-c\"]");
    return {node.args};
}

instruction::OnBuild onbuild(const Node& node) {
    Flags(node, {});
    if (node.trigger.empty())
        throw mistake(node.place, "ONBUILD wants an instruction").with_hint("write ONBUILD RUN COMMAND, for instance");
    const std::string keyword = upper(node.trigger[0].keyword);
    if (keyword == "ONBUILD" || keyword == "FROM" || keyword == "MAINTAINER")
        throw mistake(node.place, "{} cannot be a trigger of ONBUILD", keyword).with_hint("all other instructions can");
    // As written but for the keyword: the child reads it.
    instruction::OnBuild out{std::string(trim_left(std::string_view(node.original).substr(node.keyword.size())))};
    for (const Heredoc& heredoc : node.heredocs) out.trigger += "\n" + heredoc.content + heredoc.name;
    return out;
}

} // namespace davit::dockerfile::forms
