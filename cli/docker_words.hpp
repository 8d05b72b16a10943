// Which grammar a command line has, and docker's words at its own top: what each is among davit's verbs. docker compose
// has some of them with another meaning (build, ps, run, config …); davit's own top is compose's.
#pragma once

#include "cli/app.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace davit::cli {

enum class Grammar { davit, docker, compose };

// By the name it was called by, argv[0]: "docker" and "docker-compose" are others than "davit".
Grammar grammar_of(std::string_view program);

enum class WordGroup { common, management, swarm, other, hidden };

struct DockerWord {
    std::string_view word;
    std::string_view path; // "container ls"; of one word: a verb of davit's top that means the same
    const char* summary;
    WordGroup group = WordGroup::other;
};
std::span<const DockerWord> docker_words();

// {"ps", "-a"} → {"container", "ls", "-a"}. Nothing for a first word that docker has not; "compose" is none of these:
// what follows it has compose's grammar.
std::optional<Args> from_docker_words(const Args& args);

// Whether docker compose has this verb of davit's, or one that davit adds for a project.
bool is_compose_verb(const Verb& verb);

// The lists of `docker --help`.
std::string docker_help();

} // namespace davit::cli
