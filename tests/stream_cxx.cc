// SPDX-License-Identifier: MIT
// stream_cxx DIR SYNC: cin, cout, cerr, clog, printf and files of a C++ program.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>

struct late {
	~late() { std::cout << "destroyed\n"; std::printf("printf\n"); }
} global;

static void files(const std::string &dir)
{
	std::ofstream out(dir + "/cxx");
	std::string line;
	int n = 0;

	for (int i = 0; i < 3000; i++)
		out << "line " << i << '\n';
	out.seekp(5);
	out << "X";
	std::cout << out.good() << ' ' << out.tellp() << '\n';
	out.close();
	std::ofstream(dir + "/cxx", std::ios::app) << "appended\n";
	std::ifstream in(dir + "/cxx");
	while (std::getline(in, line))
		n++;
	std::cout << n << ' ' << line << ' ' << in.eof() << '\n';
	std::fstream both(dir + "/cxx", std::ios::in | std::ios::out | std::ios::ate);
	std::cout << both.tellg() << '\n';
	both.seekg(0);
	both >> line >> n;
	std::cout << line << n << '\n';
	std::cout << std::ifstream(dir + "/none").good() << '\n';
	std::wofstream wide(dir + "/wide");
	wide << L"wide " << 42 << std::endl;
	std::cout << wide.good() << '\n';
}

int main(int, char **argv)
{
	std::string word;
	int n = 0;

	std::ios::sync_with_stdio(*argv[2] == '1');
	std::cout << "cout " << 1 << '\n';
	std::printf("printf\n");
	if (*argv[2] == '1')
		std::puts("puts");
	std::cout << "cout " << 2 << std::endl;
	std::cerr << "cerr" << '\n';
	std::clog << "clog" << '\n';
	std::fprintf(stderr, "fprintf\n");
	std::cin >> word;
	std::cin.ignore();
	for (std::string line; n < 10 && std::getline(std::cin, line); n++)
		std::cout << word << ' ' << line << '\n';
	std::cin.unget();
	std::wcout << L"wide" << '\n';
	files(argv[1]);
	std::cout << std::cin.rdbuf()->sgetc() << '\n';
	std::cout << "left in the buffer";
	return 0;
}
