#include "cli/manual.hpp"

#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"

#include <algorithm>

namespace davit::cli {

namespace {

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '\\' || c == '*' || c == '_') out += '\\';
        out += c;
    }
    return out;
}

std::string lowered(std::string text) {
    if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

// "up [OPTIONS] …" → "*davit up* [OPTIONS] …"; further lines begin with "davit" themselves.
std::string synopsis_of(const std::string& synopsis) {
    std::string out, rest = "davit " + synopsis;
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string line = rest.substr(0, end);
        rest.erase(0, std::min(end + 1, rest.size()));
        line.erase(0, std::min(line.find_first_not_of("\t "), line.size()));
        const std::size_t end_of_command = std::min(line.find_first_of("[ABCDEFGHIJKLMNOPQRSTUVWXYZ"), line.size());
        std::string command = line.substr(0, end_of_command);
        while (command.ends_with(' ')) command.pop_back();
        out += (out.empty() ? "*" : " ++\n*") + escaped(command) + "*" +
               (end_of_command < line.size() ? " " + escaped(line.substr(end_of_command)) : "");
    }
    return out + "\n";
}

std::string options_of(const CommandInfo& command) {
    std::vector<const OptionInfo*> shown;
    for (const OptionInfo& option : command.options)
        if (!option.hidden) shown.push_back(&option);
    std::sort(shown.begin(), shown.end(), [](const auto* a, const auto* b) { return a->long_name < b->long_name; });
    std::string out;
    for (const OptionInfo* option : shown) {
        std::string names;
        if (!option->short_name.empty()) names = "*-" + option->short_name + "*";
        if (!option->long_name.empty())
            names += (names.empty() ? "" : ", ") + ("*--" + escaped(option->long_name)) + "*";
        out += "\n" + names + (option->type.empty() ? "" : " _" + escaped(option->type) + "_") + "\n\t" +
               escaped(option->help) + "\n";
    }
    return out;
}

// The text's first section, and the others.
std::pair<std::string, std::string> split_text(const std::string& text) {
    const std::size_t second = text.find("\n# ", text.find("# ") + 1);
    if (second == std::string::npos) return {text, ""};
    return {text.substr(0, second), text.substr(second + 1)};
}

class Collector : public CommandSink {
public:
    explicit Collector(ManualPage& page) : page_(page) { globals_.describe = this; }
    void run(const Verb& verb) { verb.run(globals_, {}); }
    void command(const CommandInfo& info) override { page_.commands.push_back(info); }
    void group(std::span<const Verb> verbs) override {
        page_.group = true;
        for (const Verb& verb : verbs)
            if (verb.group != VerbGroup::hidden) run(verb);
    }

private:
    ManualPage& page_;
    Globals globals_;
};

} // namespace

std::string to_scdoc(const ManualPage& page) {
    const auto [description, others] = split_text(page.text);
    std::string out = "davit-" + page.verb + "(1)\n\n# NAME\n\ndavit-" + page.verb + " - " +
                      escaped(lowered(page.summary)) + "\n\n# SYNOPSIS\n\n";
    for (const CommandInfo& command : page.commands)
        out += (&command == page.commands.data() ? "" : "\n") + synopsis_of(command.synopsis);
    out += "\n" + description;
    if (page.group) {
        out += "\n# COMMANDS\n";
        for (const CommandInfo& command : page.commands) {
            const std::string name = command.synopsis.substr(
                0, std::min(command.synopsis.find_first_of("[ABCDEFGHIJKLMNOPQRSTUVWXYZ"), command.synopsis.size()));
            out += "\n## davit " + escaped(name) + "\n\n" + escaped(command.summary) + "\n" + options_of(command);
        }
    } else {
        out += "\n# OPTIONS\n";
        for (const CommandInfo& command : page.commands) out += options_of(command);
    }
    if (!others.empty()) out += "\n" + others;
    if (others.find("# EXIT STATUS") == std::string::npos)
        out += "\n# EXIT STATUS\n\n0 on success; 1 when something failed; 130 after an interrupt.\n";
    return out + "\n# SEE ALSO\n\n*davit*(1)\n";
}

ManualPage describe_verb(const std::string& name) {
    for (const Verb& verb : verbs())
        if (name == verb.name) {
            ManualPage page;
            page.verb = verb.name;
            page.summary = verb.summary;
            Collector(page).run(verb);
            return page;
        }
    throw error(Errc::not_found, "davit has no verb \"{}\"", name);
}

} // namespace davit::cli
