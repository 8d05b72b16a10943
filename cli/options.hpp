// One verb's options as a table: parsing with docker compose's (pflag's) rules, --help, and texts
// for mistakes. Nothing is set up but the options of the verb that runs.
#pragma once

#include "cli/app.hpp"
#include "davit/error.hpp"

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

struct OptionInfo {
    std::string short_name, long_name, type, help; // type empty: a flag
    bool hidden = false;
};

struct CommandInfo {
    std::string synopsis, summary, epilog;
    std::vector<OptionInfo> options;
    bool verbatim = false; // everything after the first argument belongs to somebody else
};

class Options {
public:
    static constexpr std::size_t any_number = static_cast<std::size_t>(-1);

    // synopsis: "up [OPTIONS] [SERVICE...]". Every verb takes --dry-run, which goes to the globals.
    Options(Globals& globals, std::string synopsis, std::string summary);
    // Without --dry-run: the global options themselves, and commands that change nothing.
    Options(std::string synopsis, std::string summary);

    // As help and hints name the program; of Globals::program where there are any.
    Options& called(std::string program);
    // Of Globals::docker_words where there are any.
    Options& tells_mistakes_as_docker();

    // names: "d,detach" (short, long), "detach", "T,no-tty". The variable must outlive parse().
    Options& flag(std::string_view names, bool& to, std::string_view help);
    Options& flag(std::string_view names, std::optional<bool>& to, std::string_view help);
    Options& value(std::string_view names, std::string& to, std::string_view help, std::string_view type = "string");
    Options& value(std::string_view names, std::optional<std::string>& to, std::string_view help,
                   std::string_view type = "string");
    Options& value(std::string_view names, int& to, std::string_view help);
    Options& value(std::string_view names, std::optional<int>& to, std::string_view help);
    Options& list(std::string_view names, std::vector<std::string>& to, std::string_view help,
                  std::string_view type = "stringArray");
    // A list of KEY=VALUE or KEY, without what has no key.
    Options& labels(std::string_view names, std::vector<std::string>& to, std::string_view help);
    // fn may throw Error(usage) for a bad value.
    Options& each(std::string_view names, std::string_view type, std::function<void(const std::string&)> fn,
                  std::string_view help);
    // The last added option is understood but not shown.
    Options& hidden();
    // An older name of the last added option; understood, not shown.
    Options& alias(std::string_view long_name);
    // What docker compose takes and davit has no use for; understood, not shown. type empty: a flag.
    Options& ignored(std::string_view names, std::string_view type = "");
    // More text for --help, after the options.
    Options& epilog(std::string text);

    // What is no option goes here; mistakes in number are usage errors.
    Options& arguments(std::vector<std::string>& to, std::size_t min = 0, std::size_t max = any_number);
    // Everything from the first argument on is taken as it stands (exec, run).
    Options& verbatim_after_first();

    // Fills the variables. False when --help was asked for and printed; throws Error(usage).
    bool parse(const Args& args);
    std::string help() const;
    CommandInfo info() const;

private:
    struct Option : OptionInfo {
        std::function<void(const std::string&)> set;
    };
    Options& add(std::string_view names, std::string_view type, std::string_view help,
                 std::function<void(const std::string&)> set);
    const Option* find_long(std::string_view name) const;
    const Option* find_short(char name) const;
    void take_long(const Args& args, std::size_t& i);
    void take_shorts(const Args& args, std::size_t& i);
    void set(const Option& option, const std::string& value) const;
    void check_number_of_arguments() const;
    Error mistake(std::string text) const;
    Error flag_mistake(std::string text) const;
    std::string command() const;
    std::string use_line() const;

    CommandSink* describe_ = nullptr;
    std::string program_ = "davit", synopsis_, summary_, epilog_;
    std::string docker_word_; // in place of the synopsis' first words
    std::string aliases_;     // what else the command is called, itself included
    bool docker_ = false;     // mistakes are told as docker tells them
    std::vector<Option> options_;
    std::vector<std::string>* arguments_ = nullptr;
    std::size_t min_ = 0, max_ = 0;
    bool verbatim_ = false, help_wanted_ = false;
};

} // namespace davit::cli
