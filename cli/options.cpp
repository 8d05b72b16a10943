#include "cli/options.hpp"

#include "base/error.hpp"
#include "cli/docker_errors.hpp"
#include "cli/suggest.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace davit::cli {

namespace {

bool parse_bool(const std::string& text) {
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    throw error(Errc::usage, "it is either true or false");
}

int int_of(const std::string& text) {
    int number = 0;
    const char* end = text.data() + text.size();
    auto [stop, problem] = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), end, number);
    if (problem != std::errc{} || stop != end || text.empty()) throw error(Errc::usage, "a whole number is needed");
    return number;
}

// Where the words of a synopsis end that are no [OPTIONS] and no ARGUMENT: those name the command.
std::size_t end_of_words(std::string_view synopsis) {
    std::size_t end = 0;
    for (std::size_t at = 0; at < synopsis.size() && synopsis[at] >= 'a' && synopsis[at] <= 'z'; at = end + 1)
        end = std::min(synopsis.find(' ', at), synopsis.size());
    return end;
}

// The text in lines of at most `width` columns; lines after the first start at `indent`.
void append_wrapped(std::string& out, std::string_view text, std::size_t indent, std::size_t width) {
    std::size_t column = 0;
    const std::size_t room = width > indent + 20 ? width - indent : 20;
    while (!text.empty()) {
        const std::size_t space = text.find(' ');
        const std::string_view word = text.substr(0, space);
        if (column && column + 1 + word.size() > room) {
            out += '\n';
            out.append(indent, ' ');
            column = 0;
        } else if (column) {
            out += ' ';
            ++column;
        }
        out += word;
        column += word.size();
        text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
    }
    out += '\n';
}

} // namespace

Options::Options(std::string synopsis, std::string summary)
    : synopsis_(std::move(synopsis)), summary_(std::move(summary)) {}

Options::Options(Globals& globals, std::string synopsis, std::string summary)
    : Options(std::move(synopsis), std::move(summary)) {
    describe_ = globals.describe;
    program_ = globals.program;
    docker_ = globals.docker_words;
    docker_word_ = globals.docker_word;
    aliases_ = globals.docker_aliases;
    flag("dry-run", globals.dry_run, "Show what would be done and do nothing");
    if (docker_) hidden(); // docker has none
}

Options& Options::called(std::string program) {
    program_ = std::move(program);
    return *this;
}

Options& Options::tells_mistakes_as_docker() {
    docker_ = true;
    return *this;
}

Options& Options::add(std::string_view names, std::string_view type, std::string_view help,
                      std::function<void(const std::string&)> set) {
    Option option;
    const std::size_t comma = names.find(',');
    if (comma != std::string_view::npos) {
        option.short_name = names.substr(0, comma);
        option.long_name = names.substr(comma + 1);
    } else if (names.size() == 1) {
        option.short_name = names;
    } else {
        option.long_name = names;
    }
    option.type = type;
    option.help = help;
    option.set = std::move(set);
    options_.push_back(std::move(option));
    return *this;
}

Options& Options::flag(std::string_view names, bool& to, std::string_view help) {
    return add(names, "", help, [&to](const std::string& text) { to = parse_bool(text); });
}
Options& Options::flag(std::string_view names, std::optional<bool>& to, std::string_view help) {
    return add(names, "", help, [&to](const std::string& text) { to = parse_bool(text); });
}
Options& Options::value(std::string_view names, std::string& to, std::string_view help, std::string_view type) {
    return add(names, type, help, [&to](const std::string& text) { to = text; });
}
Options& Options::value(std::string_view names, std::optional<std::string>& to, std::string_view help,
                        std::string_view type) {
    return add(names, type, help, [&to](const std::string& text) { to = text; });
}
Options& Options::value(std::string_view names, int& to, std::string_view help) {
    return add(names, "int", help, [&to](const std::string& text) { to = int_of(text); });
}
Options& Options::value(std::string_view names, std::optional<int>& to, std::string_view help) {
    return add(names, "int", help, [&to](const std::string& text) { to = int_of(text); });
}
Options& Options::list(std::string_view names, std::vector<std::string>& to, std::string_view help,
                       std::string_view type) {
    return add(names, type, help, [&to](const std::string& text) { to.push_back(text); });
}
Options& Options::labels(std::string_view names, std::vector<std::string>& to, std::string_view help) {
    return add(names, "list", help, [&to](const std::string& text) {
        std::string_view key = std::string_view(text).substr(0, text.find('='));
        key.remove_prefix(std::min(key.find_first_not_of(" \t"), key.size()));
        if (key.empty()) throw error(Errc::usage, "invalid label '{}': empty name", text);
        if (key.find_first_of(" \t") != std::string_view::npos)
            throw error(Errc::usage, "label '{}' contains whitespaces", key);
        to.push_back(text);
    });
}
Options& Options::each(std::string_view names, std::string_view type, std::function<void(const std::string&)> fn,
                       std::string_view help) {
    return add(names, type, help, std::move(fn));
}
Options& Options::hidden() {
    options_.back().hidden = true;
    return *this;
}
Options& Options::alias(std::string_view long_name) {
    Option same = options_.back();
    same.short_name.clear();
    same.long_name = long_name;
    same.hidden = true;
    options_.push_back(std::move(same));
    return *this;
}
Options& Options::ignored(std::string_view names, std::string_view type) {
    return add(names, type, "Taken for docker compose's sake, without effect",
               [flag = type.empty()](const std::string& text) {
                   if (flag) parse_bool(text);
               })
        .hidden();
}
Options& Options::epilog(std::string text) {
    epilog_ = std::move(text);
    return *this;
}
Options& Options::arguments(std::vector<std::string>& to, std::size_t min, std::size_t max) {
    arguments_ = &to;
    min_ = min;
    max_ = max;
    return *this;
}
Options& Options::verbatim_after_first() {
    verbatim_ = true;
    return *this;
}

CommandInfo Options::info() const {
    return {synopsis_, summary_, epilog_, {options_.begin(), options_.end()}, verbatim_};
}

bool Options::parse(const Args& args) {
    if (describe_) {
        describe_->command(info());
        return false;
    }
    bool only_arguments = false;
    std::vector<std::string> ignored;
    if (!arguments_) arguments_ = &ignored;
    for (std::size_t i = 0; i < args.size() && !help_wanted_; ++i) {
        const std::string& arg = args[i];
        if (only_arguments || arg.size() < 2 || arg[0] != '-') {
            arguments_->push_back(arg);
            only_arguments = only_arguments || verbatim_;
        } else if (arg == "--") {
            only_arguments = true;
        } else if (arg[1] == '-') {
            take_long(args, i);
        } else {
            take_shorts(args, i);
        }
    }
    if (help_wanted_) {
        std::fputs(help().c_str(), stdout);
        return false;
    }
    check_number_of_arguments();
    return true;
}

void Options::take_long(const Args& args, std::size_t& i) {
    const std::string text = args[i].substr(2);
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (name == "help") {
        help_wanted_ = true;
        return;
    }
    const Option* option = find_long(name);
    if (!option) {
        std::vector<std::string> known;
        for (const Option& o : options_)
            if (!o.hidden && !o.long_name.empty()) known.push_back("--" + o.long_name);
        throw flag_mistake("unknown flag: --" + name + (docker_ ? "" : did_you_mean("--" + name, known)));
    }
    if (equals != std::string::npos) set(*option, text.substr(equals + 1));
    else if (option->type.empty()) set(*option, "true");
    else if (i + 1 < args.size()) set(*option, args[++i]);
    else throw flag_mistake("flag needs an argument: --" + name);
}

void Options::take_shorts(const Args& args, std::size_t& i) {
    const std::string& arg = args[i];
    for (std::size_t at = 1; at < arg.size(); ++at) {
        const Option* option = find_short(arg[at]);
        if (!option && arg[at] == 'h') {
            help_wanted_ = true;
            return;
        }
        const auto mistake = [&](const char* what) { // of a group of them the rest is told
            return flag_mistake(fmt::format("{}: '{}' in -{}", what, arg[at], arg.substr(at)));
        };
        if (!option) throw mistake("unknown shorthand flag");
        const bool equals = at + 1 < arg.size() && arg[at + 1] == '=';
        if (option->type.empty() && !equals) {
            set(*option, "true");
            continue;
        }
        if (equals) set(*option, arg.substr(at + 2));
        else if (at + 1 < arg.size()) set(*option, arg.substr(at + 1));
        else if (i + 1 < args.size()) set(*option, args[++i]);
        else throw mistake("flag needs an argument");
        return;
    }
}

void Options::set(const Option& option, const std::string& value) const {
    try {
        option.set(value);
    } catch (const Error& e) {
        std::string names = option.short_name.empty() ? "" : "-" + option.short_name + ", ";
        names += "--" + option.long_name;
        std::string quoted; // as Go quotes it
        for (char c : value) quoted += docker_ && (c == '"' || c == '\\') ? std::string("\\") + c : std::string(1, c);
        throw flag_mistake(fmt::format("invalid argument \"{}\" for \"{}\" flag: {}", quoted, names,
                                       docker_ ? docker_reason(option.type, value, e) : e.what()));
    }
}

void Options::check_number_of_arguments() const {
    const std::size_t number = arguments_->size();
    if (number >= min_ && number <= max_) return;
    if (docker_) throw docker_wrong_number(command(), use_line(), min_, max_);
    if (number < min_)
        throw mistake(fmt::format("requires at least {} argument{}, got {}", min_, min_ == 1 ? "" : "s", number));
    if (max_ == 0) throw mistake(fmt::format("takes no arguments, got \"{}\"", arguments_->front()));
    throw mistake(fmt::format("takes at most {} argument{}, got {}", max_, max_ == 1 ? "" : "s", number));
}

const Options::Option* Options::find_long(std::string_view name) const {
    auto it = std::find_if(options_.begin(), options_.end(),
                           [&](const Option& o) { return !name.empty() && o.long_name == name; });
    return it == options_.end() ? nullptr : &*it;
}

const Options::Option* Options::find_short(char name) const {
    auto it = std::find_if(options_.begin(), options_.end(),
                           [&](const Option& o) { return !o.short_name.empty() && o.short_name[0] == name; });
    return it == options_.end() ? nullptr : &*it;
}

// docker's commands have an exit code of their own for these; docker compose's have not.
Error Options::flag_mistake(std::string text) const {
    constexpr int code = 125;
    const char* more = synopsis_ == "[OPTIONS] COMMAND" ? " [ARG...]" : ""; // docker's own line
    if (docker_) return docker_flag_mistake(text, command(), use_line() + more).with_exit_code(code);
    return mistake(std::move(text)).with_exit_code(code);
}

Error Options::mistake(std::string text) const {
    return error(Errc::usage, "{}", text).with_hint("see '" + command() + " --help'");
}

// The words of the synopsis before "[OPTIONS]" and the arguments, which are in capitals.
std::string Options::command() const {
    const std::string words = synopsis_.substr(0, end_of_words(synopsis_));
    return program_ + (words.empty() ? "" : " " + (docker_word_.empty() ? words : docker_word_));
}

std::string Options::use_line() const {
    std::string line = synopsis_;
    if (!docker_word_.empty()) line.replace(0, end_of_words(line), docker_word_);
    return program_ + " " + line;
}

std::string Options::help() const {
    std::string out = "Usage:  " + use_line() + "\n\n" + summary_ + "\n";
    if (!aliases_.empty()) out += "\nAliases:\n  " + aliases_ + "\n";
    std::vector<const Option*> shown;
    for (const Option& o : options_)
        if (!o.hidden) shown.push_back(&o);
    std::sort(shown.begin(), shown.end(), [](const Option* a, const Option* b) { return a->long_name < b->long_name; });
    std::vector<std::string> left;
    std::size_t widest = 0;
    for (const Option* o : shown) {
        std::string text =
            o->short_name.empty() ? "      " : "  -" + o->short_name + (o->long_name.empty() ? "" : ", ");
        if (!o->long_name.empty()) text += "--" + o->long_name;
        if (!o->type.empty()) text += " " + o->type;
        widest = std::max(widest, text.size());
        left.push_back(std::move(text));
    }
    if (!shown.empty()) out += "\nOptions:\n";
    for (std::size_t i = 0; i < shown.size(); ++i) {
        out += left[i];
        out.append(widest + 3 - left[i].size(), ' ');
        append_wrapped(out, shown[i]->help, widest + 3, 80);
    }
    if (!epilog_.empty()) out += "\n" + epilog_ + "\n";
    return out;
}

} // namespace davit::cli
