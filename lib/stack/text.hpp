// Texts as Go's libraries read and write them: durations, environment files, KEY=VALUE.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::stack {

// "1m30s", "250ms": ns. Not days and weeks, which time.ParseDuration does not know.
std::optional<std::int64_t> go_duration(std::string_view text);
// "0.5": 10^-9 CPUs; nothing for what is no number or more precise than that.
std::optional<std::int64_t> nano_cpus(std::string_view text);

// Words as Go's shlex splits them: quotes and backslashes, comments from '#' on; no operators. Nothing: an open quote.
std::optional<std::vector<std::string>> shell_words(std::string_view text);

struct KeyValue {
    std::string key;
    std::optional<std::string> value; // absent: there was no '='
};
KeyValue split_pair(std::string_view text);

using LookupEnvironment = std::function<const std::string*(std::string_view name)>;
// docker's --env-file and env_file: KEY=VALUE lines as they are, without quotes and variables; a KEY alone takes its
// value from the environment, and is left out where that has none. Throws Error(invalid_project).
std::vector<std::string> read_env_lines(const std::string& text, const std::string& file,
                                        const LookupEnvironment& lookup);

// A file's content; not_found "open F: no such file or directory", as docker says it.
std::string read_named_file(const std::string& path);

// Sorted and once each: lists that Swarm compares.
std::vector<std::string> sorted_set(std::vector<std::string> list);
// "CAP_NET_ADMIN" of net_admin, ALL and RESET as they are.
std::string capability(std::string_view name);
// What is added and dropped in the end: adding wins, ALL stands alone, RESET goes.
void effective_capabilities(std::vector<std::string>& add, std::vector<std::string>& drop);

} // namespace davit::stack
