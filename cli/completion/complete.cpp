#include "cli/completion/complete.hpp"

#include "cli/cmd/docker.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/completion/values.hpp"
#include "cli/global_options.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace davit::cli {

namespace {

bool is_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

const OptionInfo* find_option(const CommandInfo& command, const std::string& word) {
    const std::string name = word.substr(0, word.find('='));
    for (const OptionInfo& o : command.options)
        if (name == "--" + o.long_name || (!o.short_name.empty() && name == "-" + o.short_name)) return &o;
    return nullptr;
}

// The option that waits for its value in the next word.
const OptionInfo* waits_for_value(const CommandInfo& command, const std::string& word) {
    if (!is_option(word) || word.find('=') != std::string::npos) return nullptr;
    const OptionInfo* option = find_option(command, word);
    return option && !option->type.empty() ? option : nullptr;
}

// Where the first word stands that is neither an option nor an option's value.
std::size_t first_argument(const CommandInfo& command, const Args& words) {
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == "--") return i + 1;
        if (!is_option(words[i])) return i;
        if (waits_for_value(command, words[i])) ++i;
    }
    return words.size();
}

// Asks a verb what it takes instead of running it.
class Describer : public CommandSink {
public:
    void command(const CommandInfo& info) override { info_ = info; }
    void group(std::span<const Verb> verbs) override { group_ = verbs; }
    std::optional<CommandInfo> info_;
    std::span<const Verb> group_;
};

class Completer {
public:
    Completer(const NameSource& names, Grammar grammar) : names_(names), grammar_(grammar) {}

    Completion run(Args words) {
        if (grammar_ == Grammar::docker) return run_docker(words);
        const CommandInfo global = global_options(globals_).info();
        std::size_t verb = first_argument(global, words);
        if (verb + 1 < words.size() && words[verb] == "docker" && grammar_ == Grammar::davit) {
            grammar_ = Grammar::docker;
            return run_docker(from(words, verb + 1));
        }
        if (verb < words.size() && words[verb] == "compose" && verb + 1 < words.size()) {
            words.erase(words.begin() + static_cast<std::ptrdiff_t>(verb));
            verb = first_argument(global, words);
        }
        if (verb + 1 >= words.size())
            return of_command(global, words, [&](const std::string& start) { add_verbs(verbs(), start); });
        try {
            Args ignored;
            global_options(globals_).arguments(ignored).parse(
                {words.begin(), words.begin() + static_cast<std::ptrdiff_t>(verb)});
        } catch (const Error&) {
            return {}; // the command line is wrong already
        }
        return of_verb(verbs(), {words.begin() + static_cast<std::ptrdiff_t>(verb), words.end()});
    }

private:
    static Args from(const Args& words, std::size_t at) {
        return {words.begin() + static_cast<std::ptrdiff_t>(at), words.end()};
    }

    Completion run_docker(const Args& words) {
        const CommandInfo global = docker_command();
        const std::size_t first = first_argument(global, words);
        if (first + 1 >= words.size())
            return of_command(global, words, [&](const std::string& start) {
                for (const DockerWord& w : docker_words())
                    if (w.group != WordGroup::hidden) add(std::string(w.word), w.summary, "", start);
            });
        if (words[first] == "compose") {
            grammar_ = Grammar::compose;
            return run(from(words, first + 1));
        }
        const auto path = from_docker_words(from(words, first));
        return path ? of_verb(verbs(), *path) : Completion();
    }

    Completion of_verb(std::span<const Verb> table, const Args& words) {
        if (words.size() == 1) {
            add_verbs(table, words[0]);
            return std::move(out_);
        }
        auto verb = std::find_if(table.begin(), table.end(), [&](const Verb& v) { return answers_to(v, words[0]); });
        if (verb == table.end()) return {};
        Describer describer;
        Globals asked;
        asked.describe = &describer;
        asked.docker_words = grammar_ == Grammar::docker;
        verb->run(asked, {});
        const Args rest(words.begin() + 1, words.end());
        const bool further = rest.size() > 1 && std::any_of(describer.group_.begin(), describer.group_.end(),
                                                            [&](const Verb& v) { return answers_to(v, rest[0]); });
        if (!describer.info_ || further) return of_verb(describer.group_, rest);
        const CommandInfo& info = *describer.info_;
        return of_command(info, rest, [&](const std::string& start) {
            const std::size_t first = first_argument(info, rest);
            if (info.verbatim && first + 1 < rest.size()) out_.files = true; // the container's command: a guess
            else {
                if (first + 1 == rest.size()) add_verbs(describer.group_, start); // history prune
                add_arguments(info.synopsis, start);
            }
        });
    }

    template <typename Arguments>
    Completion of_command(const CommandInfo& command, const Args& words, Arguments&& arguments) {
        const std::string& current = words.back();
        const OptionInfo* waiting = words.size() > 1 ? waits_for_value(command, words[words.size() - 2]) : nullptr;
        const std::size_t equals = current.find('=');
        if (waiting) add_values(*waiting, "", current);
        else if (is_option(current) && equals != std::string::npos) {
            if (const OptionInfo* option = find_option(command, current))
                add_values(*option, current.substr(0, equals + 1), current.substr(equals + 1));
        } else if (current.starts_with('-')) add_options(command, current);
        else arguments(current);
        return std::move(out_);
    }

    void add(const std::string& text, const std::string& help, const std::string& prefix, const std::string& start) {
        if (text.starts_with(start)) out_.candidates.push_back({prefix + text, help});
    }

    void add_verbs(std::span<const Verb> table, const std::string& start) {
        for (const Verb& v : table)
            if (v.group != VerbGroup::hidden &&
                (grammar_ != Grammar::compose || table.data() != verbs().data() || is_compose_verb(v)))
                add(v.name, v.summary, "", start);
    }

    void add_options(const CommandInfo& command, const std::string& start) {
        for (const OptionInfo& o : command.options)
            if (!o.hidden && !o.long_name.empty()) add("--" + o.long_name, o.help, "", start);
        add("--help", "What the command does and takes", "", start);
    }

    void add_names(const std::string& kind, const std::string& prefix, const std::string& start,
                   const char* after = "") {
        for (const std::string& name : names_(globals_, kind)) add(name + after, "", prefix, start);
    }

    void add_values(const OptionInfo& option, const std::string& prefix, const std::string& start) {
        if (option.long_name == "profile") return add_names("PROFILE", prefix, start);
        if (option.long_name == "project-name") return add_names("PROJECT", prefix, start);
        if (option.long_name == "scale") return add_names("SERVICE", prefix, start, "=");
        if (option.long_name == "exit-code-from" || option.long_name == "attach" || option.long_name == "no-attach")
            return add_names("SERVICE", prefix, start);
        if (option.long_name == "target") return add_names("STAGE", prefix, start);
        if (option.type == "REVISION") return add_names("REVISION", prefix, start);
        if (option.long_name == "hash") return add_names("SERVICE", prefix, start);
        for (const std::string& value : known_values(option)) add(value, "", prefix, start);
        out_.files = takes_path(option);
    }

    void add_arguments(const std::string& synopsis, const std::string& start) {
        if (synopsis.starts_with("image push ")) return add_names("IMAGE", "", start); // its NAME is one that is here
        for (const char* kind : {"SERVICE", "CONTAINER", "IMAGE", "REPOSITORY", "NETWORK", "VOLUME", "PROJECT", "SHELL",
                                 "STACK", "SECRET", "NODE", "REVISION"}) {
            const std::size_t at = synopsis.find(kind);
            if (at == std::string::npos) continue;
            // What stands behind the name itself: SERVICE=REPLICAS, SERVICE:SRC_PATH.
            const char behind = at + std::strlen(kind) < synopsis.size() ? synopsis[at + std::strlen(kind)] : ' ';
            out_.files = behind == ':';                             // or a path of this machine
            const bool of_swarm = synopsis.starts_with("service "); // not the compose file's
            return add_names(of_swarm && kind == std::string_view("SERVICE") ? "SWARM_SERVICE" : kind, "", start,
                             behind == '='   ? "="
                             : behind == ':' ? ":"
                                             : "");
        }
    }

    const NameSource& names_;
    Grammar grammar_;
    Globals globals_;
    Completion out_;
};

} // namespace

Completion complete(const Args& words, const NameSource& names, Grammar grammar) {
    return words.empty() ? Completion() : Completer(names, grammar).run(words);
}

} // namespace davit::cli
