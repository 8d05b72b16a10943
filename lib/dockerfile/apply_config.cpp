// Instructions that change the configuration alone.
#include "dockerfile/applier.hpp"

#include "base/words.hpp"
#include "dockerfile/frontend.hpp"
#include "dockerfile/history.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/ports.hpp"
#include "dockerfile/text.hpp"
#include "dockerfile/windows_path.hpp"

#include <algorithm>

namespace davit::dockerfile {

namespace {

void set_env(std::vector<std::string>& env, const std::string& name, const std::string& value) {
    auto it = std::find_if(env.begin(), env.end(),
                           [&](const std::string& entry) { return entry.substr(0, entry.find('=')) == name; });
    if (it == env.end()) env.push_back(name + "=" + value);
    else *it = name + "=" + value;
}

void add_sorted(std::vector<std::string>& list, const std::vector<std::string>& items) {
    list.insert(list.end(), items.begin(), items.end());
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
}

std::string pairs_text(std::string_view keyword, const std::vector<instruction::Pair>& pairs) {
    std::string out(keyword);
    for (const instruction::Pair& pair : pairs) out += " " + pair.name + "=" + pair.value;
    return out;
}

} // namespace

std::string Applier::word(std::string_view text) {
    std::vector<std::string> unset;
    const WordRules rules{.escape = scope_.document.directives.escape, .unset = &unset};
    try {
        Expansion out = at_place(node_.place_of(text), [&] { return expand(text, state_.env, rules); });
        report_undefined(out.unmatched);
        return std::move(out.text);
    } catch (const Error&) {
        report_undefined(unset); // beside the mistake
        throw;
    }
}

std::vector<std::string> Applier::words(const std::vector<std::string>& texts) {
    std::vector<std::string> out;
    for (const std::string& text : texts) out.push_back(word(text));
    return out;
}

void Applier::report_undefined(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        const auto& declared = state_.declared;
        if (std::find(declared.begin(), declared.end(), name) != declared.end() || is_frontend_argument(name)) continue;
        std::vector<std::string_view> known;
        for (const auto& [other, value] : state_.env.entries()) known.push_back(other);
        auto near = nearest(name, known);
        scope_.checks.add(Rule::undefined_var, node_,
                          fmt::format("nothing defines the variable '${}'{}", name,
                                      near ? fmt::format(" (did you mean ${}?)", *near) : ""));
    }
}

void Applier::configured(std::string history) {
    step_.history = std::move(history);
    step_.empty_layer = true;
    step_.action = ConfigStep{};
}

void Applier::check_used_once(const Node*& last) {
    // The one before is what has no effect.
    if (last)
        scope_.checks.add(
            Rule::multiple_instructions_disallowed, *last,
            fmt::format("another {} follows in this stage, and only the last counts", upper(node_.keyword)));
    last = &node_;
}

void Applier::check_pairs(const std::vector<instruction::Pair>& pairs) {
    for (const instruction::Pair& pair : pairs)
        if (pair.old_form)
            scope_.checks.add(Rule::legacy_key_value_format, node_,
                              fmt::format("'{0} NAME=VALUE' is preferred to '{0} NAME VALUE'", upper(node_.keyword)));
}

std::vector<instruction::Pair> Applier::expanded(const std::vector<instruction::Pair>& pairs) {
    std::vector<instruction::Pair> out;
    for (const instruction::Pair& pair : pairs) {
        std::string name = word(pair.name);
        out.push_back({std::move(name), word(pair.value)});
    }
    return out;
}

void Applier::operator()(const instruction::Arg& arg) {
    std::vector<std::string> shown;
    for (const auto& [name, fallback] : arg.args) {
        if (looks_secret(name))
            scope_.checks.add(Rule::secrets_used_in_arg_or_env, node_,
                              fmt::format("ARG '{}' looks like a secret, which stays in the history", name));
        std::optional<std::string> value;
        if (const std::string* given = scope_.options.build_args.find(name)) value = *given;
        else if (fallback) value = word(*fallback);
        else if (const std::string* global = scope_.globals.find(name)) value = *global;
        if (value && !is_frontend_argument(name)) state_.env.set(name, *value);
        auto& declared = state_.declared;
        if (std::find(declared.begin(), declared.end(), name) == declared.end()) declared.push_back(name);
        shown.push_back(value ? name + "=" + *value : name);
    }
    configured("ARG " + join(shown, " "));
}

void Applier::operator()(const instruction::Env& env) {
    const auto pairs = expanded(env.pairs);
    check_pairs(env.pairs);
    for (const instruction::Pair& pair : pairs) {
        if (looks_secret(pair.name))
            scope_.checks.add(Rule::secrets_used_in_arg_or_env, node_,
                              fmt::format("ENV '{}' looks like a secret, which stays in the image", pair.name));
        state_.env.set(pair.name, pair.value);
        set_env(config_.env, pair.name, pair.value);
    }
    configured(pairs_text("ENV", pairs));
}

void Applier::operator()(const instruction::Label& label) {
    const auto pairs = expanded(label.pairs);
    check_pairs(label.pairs);
    for (const instruction::Pair& pair : pairs) config_.labels[pair.name] = pair.value;
    configured(pairs_text("LABEL", pairs));
}

std::vector<std::string> Applier::with_shell(const instruction::Command& command) {
    if (!command.shell) return command.args;
    const bool windows = has_windows_paths(state_.image_platform);
    std::vector<std::string> out = config_.shell;
    if (out.empty())
        out = windows ? std::vector<std::string>{"cmd", "/S", "/C"} : std::vector<std::string>{"/bin/sh", "-c"};
    out.push_back(join(command.args, " "));
    return out;
}

void Applier::check_form(const instruction::Command& command) {
    if (command.shell && config_.shell.empty())
        scope_.checks.add(
            Rule::json_args_recommended, node_,
            fmt::format("{} in shell form: signals reach the shell, not the program", upper(node_.keyword)));
}

void Applier::operator()(const instruction::Cmd& cmd) {
    check_used_once(state_.cmd);
    check_form(cmd.command);
    config_.cmd = with_shell(cmd.command);
    configured("CMD " + history::quoted(config_.cmd));
}

void Applier::operator()(const instruction::Entrypoint& entrypoint) {
    check_used_once(state_.entrypoint);
    check_form(entrypoint.command);
    config_.entrypoint = with_shell(entrypoint.command);
    // A command of the base was meant for the entrypoint of the base.
    if (!state_.cmd) config_.cmd.clear();
    configured("ENTRYPOINT " + history::quoted(config_.entrypoint));
}

void Applier::operator()(const instruction::Healthcheck& healthcheck) {
    check_used_once(state_.healthcheck);
    config_.healthcheck = healthcheck.check;
    configured("HEALTHCHECK " + history::healthcheck(healthcheck.check));
}

void Applier::operator()(const instruction::Expose& expose) {
    std::vector<std::string> all;
    for (const std::string& text : expose.ports) {
        const Place place = node_.place_of(text);
        const Expansion expansion =
            at_place(place, [&] { return expand(text, state_.env, {.escape = scope_.document.directives.escape}); });
        for (const std::string& port : expansion.words) {
            const PortForm form = at_place(place, [&] { return port_form(port); });
            if (form.odd_protocol)
                scope_.checks.add(Rule::expose_proto_casing, node_,
                                  fmt::format("the protocol of '{}' is not lower case", port));
            if (form.odd_form)
                scope_.checks.add(Rule::expose_invalid_format, node_,
                                  fmt::format("'{}' names more than a port of the container", port));
            for (std::string& one : at_place(place, [&] { return exposed_ports(port); })) all.push_back(std::move(one));
        }
    }
    add_sorted(config_.exposed_ports, all);
    configured("EXPOSE " + history::list(all));
}

void Applier::operator()(const instruction::Volume& volume) {
    const auto paths = words(volume.paths);
    for (const std::string& path : paths)
        if (path.empty())
            throw mistake(node_.place, "a path of VOLUME is empty").with_hint("give the variable a value");
    add_sorted(config_.volumes, paths);
    configured("VOLUME " + history::list(paths));
}

void Applier::operator()(const instruction::User& user) {
    config_.user = word(user.user);
    configured("USER " + config_.user);
}

void Applier::operator()(const instruction::StopSignal& stop_signal) {
    const std::string signal = word(stop_signal.signal);
    if (!is_signal(signal))
        throw mistake(node_.place_of(stop_signal.signal), "'{}' is no signal", signal)
            .with_hint("signals look like SIGTERM, TERM or 15");
    config_.stop_signal = signal;
    configured("STOPSIGNAL " + signal);
}

void Applier::operator()(const instruction::Shell& shell) {
    config_.shell = shell.args;
    configured("SHELL " + history::list(shell.args));
}

void Applier::operator()(const instruction::Maintainer& maintainer) {
    state_.author = maintainer.name;
    step_.author = maintainer.name;
    configured("MAINTAINER " + maintainer.name);
}

void Applier::operator()(const instruction::OnBuild& onbuild) {
    config_.onbuild.push_back(onbuild.trigger);
    configured("");
}

} // namespace davit::dockerfile
