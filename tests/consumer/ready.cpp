// ready [ROUNDS]: how soon the servers of davit/testing.hpp answer, and what a case's own database takes. Prints
// medians in milliseconds; nothing is asserted. The images are loaded by the caller.
#include "timing.hpp"

#include <davit/testing.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace {

template <typename F>
double milliseconds(F&& what) {
    const auto begin = Clock::now();
    what();
    return since(begin);
}

} // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 5;
    try {
        std::vector<double> postgres, database, drop, redis, empty;
        for (int i = 0; i < rounds; ++i) {
            std::optional<davit::testing::Postgres> db;
            postgres.push_back(milliseconds([&] { db.emplace(); }));
            std::string name;
            database.push_back(milliseconds([&] { name = db->make_database(); }));
            drop.push_back(milliseconds([&] { db->drop_database(name); }));
            std::optional<davit::testing::Redis> cache;
            redis.push_back(milliseconds([&] { cache.emplace(); }));
            empty.push_back(milliseconds([&] { cache->empty(); }));
        }
        std::cout << "PostgreSQL ready " << median(postgres) << ", a database for a case " << median(database)
                  << ", dropped " << median(drop) << "\nRedis ready " << median(redis) << ", emptied " << median(empty)
                  << "\n";
    } catch (const davit::Error& e) {
        std::cerr << e.describe() << "\n";
        return 1;
    }
}
